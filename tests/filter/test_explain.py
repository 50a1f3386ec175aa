# SPDX-License-Identifier: Apache-2.0
"""Why a condition holds or not, for an event and over a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.filter.batch import UNKNOWN, Batch
from falcokit.filter.condition import Condition, compile_condition
from falcokit.filter.expand import parse_with_macros
from falcokit.filter.explain import (
    Answer,
    ConditionCounts,
    explain_event,
    render_answer,
    render_counts,
)
from falcokit.filter.fields import FieldCatalog, FieldSpec
from falcokit.filter.types import FieldType

if TYPE_CHECKING:
    from golden_fields import GoldenFields

    from falcokit.filter.tree import FieldRef

MACROS = {"large": "g.u>5 and g.v exists"}


def compiled(golden: GoldenFields, text: str) -> Condition:
    return compile_condition(parse_with_macros(text, MACROS, {}), golden.catalog, text)


def test_an_event_is_explained_clause_by_clause(golden: GoldenFields) -> None:
    condition = compiled(golden, "large and not (g.s=x or tolower(g.s)=val(g.t))")
    batch = golden.batch()
    answer = explain_event(condition, batch, 11)
    assert render_answer(answer).splitlines() == [
        "false   and:",
        "true      large",
        "false     not:",
        "true        or:",
        "false         g.s = 'x'    (g.s is 'ABC')",
        "true          tolower(g.s) = val(g.t)    (tolower(g.s) is 'abc'; g.t is 'abc')",
    ]
    opened = render_answer(answer, open_macros=True)
    assert "true        and:\ntrue          g.u > 5    (g.u is 65)" in opened
    assert "(g.s has no value)" in render_answer(explain_event(condition, batch, 4))
    assert answer.children[1].answer is Answer.FALSE


def test_a_silent_condition_is_explained_by_counts(golden: GoldenFields) -> None:
    counts = ConditionCounts(compiled(golden, "g.s exists and g.u>5 and g.s=alpha and g.b=true"))
    counts.add(golden.batch())
    assert render_counts(counts.root).splitlines() == [
        "and: 0 of 18",
        "  g.s exists: 17 of 18",
        "  g.u > 5: 10 of 17 (10 of 18 alone)",
        "  g.s = 'alpha': 0 of 10 (1 of 18 alone)",
        "  g.b = 'true': 0 of 0 (4 of 18 alone)",
    ]
    assert counts.cause() == "no event has both g.u > 5 (10 of 18) and g.s = 'alpha' (1 of 18)"
    counts.add(golden.batch())
    assert counts.root.children[1].passed == 20


def cause(golden: GoldenFields, text: str) -> str | None:
    """Explain it over batches of one event, as a live stream has them."""
    counts = ConditionCounts(compiled(golden, text))
    for row in range(18):
        counts.add(Batch(1, lambda field, row=row: [golden.read(field)[row]]))
    whole = ConditionCounts(compiled(golden, text))
    whole.add(golden.batch())
    assert whole.cause() == counts.cause()
    return counts.cause()


def test_the_cause_is_one_sentence(golden: GoldenFields) -> None:
    assert cause(golden, "g.u>5") is None
    never = "g.u>1 and g.s=never and g.s=alpha"
    assert cause(golden, never) == (
        "no event passed g.s = 'never' (0 of 18): g.s is '', '/etc/passwd', 'Alpha', 'alpha', ..."
    )
    assert cause(golden, "g.u=1 and g.key[nothing]=1") == (
        "no event passed g.key[nothing] = '1' (0 of 18): no event has g.key[nothing]"
    )
    assert cause(golden, "g.u=1 and (g.s=never or not g.s exists and g.u=7)") == (
        "no event passed g.s = 'never' or (not g.s exists and g.u = '7') (0 of 18)"
    )
    # The clause of a macro, not the macro.
    assert cause(golden, "g.s=alpha and large") == (
        "no event has both g.s = 'alpha' (1 of 18) and g.u > 5 (10 of 18)"
    )
    assert ConditionCounts(compiled(golden, "g.u>5")).cause() == "no event came"


def test_three_of_which_each_two_meet() -> None:
    catalog = FieldCatalog(FieldSpec(name=f"f.{n}", type=FieldType.UINT64) for n in "abc")
    text = "f.a=1 and f.b=1 and f.c=1"
    condition = compile_condition(parse_with_macros(text, {}, {}), catalog, text)
    values = {"f.a": [1, 1, 0], "f.b": [1, 0, 1], "f.c": [0, 1, 1]}
    counts = ConditionCounts(condition)
    counts.add(Batch(3, lambda field: values[field.name]))
    assert counts.cause() == "no event passed f.c = '1': none of the 1 that came so far"


def test_what_only_falco_knows_is_the_cause() -> None:
    text = "f.yes=1 and not (f.no=1 or f.unknown=1)"
    condition = compile_condition(parse_with_macros(text, {}, {}), CATALOG, text)
    counts = ConditionCounts(condition)
    counts.add(Batch(1, read))
    assert counts.cause() == "only a real Falco can tell whether f.unknown = '1'"


CATALOG = FieldCatalog(
    FieldSpec(name=name, type=FieldType.UINT64) for name in ("f.yes", "f.no", "f.unknown")
)


def read(field: FieldRef) -> list[Any]:
    return {"f.yes": [1], "f.no": [0], "f.unknown": [UNKNOWN]}[field.name]


def truth(text: str) -> Answer:
    condition = compile_condition(parse_with_macros(text, {}, {}), CATALOG, text)
    return explain_event(condition, Batch(1, read), 0).answer


def test_what_only_falco_knows_is_neither_true_nor_false() -> None:
    yes, no, unknown = "f.yes=1", "f.no=1", "f.unknown=1"
    assert [truth(yes), truth(no), truth(unknown)] == [Answer.TRUE, Answer.FALSE, Answer.UNKNOWN]
    assert truth(f"not {unknown}") is Answer.UNKNOWN
    assert truth(f"{yes} and {unknown}") is Answer.UNKNOWN
    assert truth(f"{no} and {unknown}") is Answer.FALSE
    assert truth(f"{unknown} or {yes}") is Answer.TRUE
    assert truth(f"{unknown} or {no}") is Answer.UNKNOWN
    assert truth("f.unknown exists") is Answer.UNKNOWN
    assert truth("f.yes=val(f.unknown)") is Answer.UNKNOWN
