# SPDX-License-Identifier: Apache-2.0
"""Many events at once answer as each of them alone, and fields are read no more than once."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falcokit.filter.batch import UNKNOWN, Batch
from falcokit.filter.condition import Condition, compile_condition, evaluate_part
from falcokit.filter.fields import FieldCatalog, FieldSpec
from falcokit.filter.grammar import parse
from falcokit.filter.tree import text_of
from falcokit.filter.types import FieldType

if TYPE_CHECKING:
    from falcokit.filter.tree import FieldRef

CATALOG = FieldCatalog(
    [
        FieldSpec(name="f.s", type=FieldType.CHARBUF),
        FieldSpec(name="f.t", type=FieldType.CHARBUF),
        FieldSpec(name="f.u", type=FieldType.UINT64),
        FieldSpec(name="f.ls", type=FieldType.CHARBUF, is_list=True),
        FieldSpec(name="f.ip", type=FieldType.IPADDR),
    ]
)
SIZE = 300
PICK = random.Random(7)
TEXTS = [*"abc", "abc", "/a/b", "YWJj", "Abc"]
VALUES: dict[str, list[Any]] = {
    "f.s": [PICK.choice([*TEXTS, f"x{n}", None, UNKNOWN]) for n in range(SIZE)],
    "f.t": [PICK.choice([*TEXTS, None]) for _ in range(SIZE)],
    "f.u": [PICK.choice([0, 1, 2, 300, 2**64 - 1, None, UNKNOWN]) for _ in range(SIZE)],
    "f.ls": [PICK.choice([["a"], ["a", "b"], [], None, UNKNOWN]) for _ in range(SIZE)],
    "f.ip": [PICK.choice(["10.0.0.1", b"\x0a\0\0\1", "::1", None]) for _ in range(SIZE)],
}
CHECKS = st.sampled_from(
    ["f.s=a", "f.s!=a", "f.s in (a, b)", "f.s contains b", "f.s startswith x1", "f.s glob 'x?*'",
     "f.s pmatch (/a)", "f.s regex 'x[0-9]'", "f.s=val(f.t)", "f.s contains val(f.t)", "f.s exists",
     "tolower(f.s)=abc", "b64(f.s)=abc", "len(f.s)>2", "f.u>1", "f.u<=1", "f.u=300", "f.u!=1",
     "f.ls in (a)", "f.ls intersects (b)", "len(f.ls)=2", "f.ip=10.0.0.1", "f.ip!=::1",
     "join(',', f.ls)='a,b'", "concat(f.s, f.t)=ab", "f.s = oneof (a, abc)", "f.t<5"]
)  # fmt: skip
CONDITIONS = st.recursive(
    CHECKS,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' and '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: f"({' or '.join(parts)})"),
    ),
    max_leaves=10,
)


def compiled(text: str) -> Condition:
    return compile_condition(parse(text), CATALOG, text)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(CONDITIONS, min_size=1, max_size=3))
def test_many_events_answer_as_each_alone(texts: list[str]) -> None:
    reads: Counter[str] = Counter()

    def read(field: FieldRef) -> list[Any]:
        reads[field.written] += 1
        return VALUES[field.name]

    batch = Batch(SIZE, read)
    for text in texts:
        condition = compiled(text)
        true, unknown = condition.evaluate(batch)
        assert not true & unknown
        for n in range(SIZE):
            alone = Batch(1, lambda field, n=n: VALUES[field.name][n : n + 1])  # type: ignore[misc]
            expected = condition.evaluate(alone)
            assert (true >> n & 1, unknown >> n & 1) == expected, (text, n)
    assert set(reads.values()) == {1}
    assert set(reads) <= {field.written for text in texts for field in compiled(text).fields}


@settings(max_examples=100, deadline=None)
@given(text=CONDITIONS, within=st.integers(0, 2**SIZE - 1), few=st.integers(0, 2**12))
def test_what_is_asked_of_some_events_is_right_for_them(text: str, within: int, few: int) -> None:
    condition = compiled(text)
    full = condition.evaluate(Batch(SIZE, lambda field: VALUES[field.name]))
    for some in (within, few):
        batch = Batch(SIZE, lambda field: VALUES[field.name])
        true, unknown = evaluate_part(condition.root, batch, some)
        assert (true & some, unknown & some) == (full.true & some, full.unknown & some)


@settings(max_examples=80, deadline=None)
@given(text=CONDITIONS)
def test_a_condition_is_written_as_it_is_read(text: str) -> None:
    written = text_of(parse(text))
    assert text_of(parse(written)) == written
    assert [f.written for f in compiled(written).fields] == [
        f.written for f in compiled(text).fields
    ]


def test_a_field_has_a_value_for_each_event() -> None:
    with pytest.raises(ValueError, match="1 values for 2 events"):
        compiled("f.u=1").evaluate(Batch(2, lambda _: [1]))


@pytest.mark.alone
def test_a_thousand_conditions_on_many_events_take_seconds() -> None:
    pick = random.Random(1)
    words = ["".join(pick.choices("abcdefgh/", k=20)) for _ in range(500)]
    values = {
        "f.s": [f"/usr/{pick.randint(0, 10**6)}/{pick.choice(words)}" for _ in range(16384)],
        "f.t": pick.choices(words, k=16384),
        "f.u": [pick.randint(0, 1000) for _ in range(16384)],
    }
    conditions = [
        compiled(f"f.t in ({', '.join(pick.choices(words, k=3))}) and f.u>{pick.randint(0, 999)}"
                 f" and f.s contains {pick.choice(words)[:5]} and not tolower(f.s) endswith x{n}")
        for n in range(1000)
    ]  # fmt: skip
    before = time.process_time()
    for at in range(0, 16384, 4096):
        batch = Batch(4096, lambda field, at=at: values[field.name][at : at + 4096])  # type: ignore[misc]
        for condition in conditions:
            condition.evaluate(batch)
    assert time.process_time() - before < 5
