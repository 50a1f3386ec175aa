# SPDX-License-Identifier: Apache-2.0
"""What is certain before any event: hidden rules, comparisons that never hold, typing mistakes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from golden_rules import golden_batch, golden_plugin, load
from hypothesis import given, settings
from hypothesis import strategies as st
from test_load import rule

from falcokit.rules import Engine, LoadedPlugin, RulesFile, load_rules

if TYPE_CHECKING:
    from golden_fields import GoldenFields


def own(golden: GoldenFields, content: str, **options: str) -> list[str]:
    ruleset = load(golden, content, **options)
    assert ruleset.errors == ()
    return [str(found) for found in ruleset.warnings if found.code.startswith("CHECK_")]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("g.u<0", "g.u < 0 is never true: UINT64 has no number less than 0"),
        ("g.u>18446744073709551615", "never true: UINT64 has no number more than"),
        ("g.u>=0", "g.u >= 0 is true for every value"),
        ("not g.u<=18446744073709551615", "is true for every value"),
        ("g.u<-1", "UINT64 has no sign, so -1 is 18446744073709551615"),
        ("g.rel<0", "never true: RELTIME"),
        ("len(g.s)<0", "never true: UINT64"),
        ("g.s in ()", "g.s in () is never true: the list is empty"),
        (r"g.s in ('a\.b')", "Falco drops its value, which has an escape"),
        ("g.s=a and g.u=1 and g.s=b", "g.s = 'a' and g.s = 'b' are never true together"),
        ("evt.source=syscall", "all events of this rule are of the source goldens"),
        ("evt.asynctype=tick", "no plugin declares an async event tick"),
    ],
)
def test_a_comparison_that_says_nothing(golden: GoldenFields, condition: str, message: str) -> None:
    (found,) = own(golden, rule(condition=condition))
    assert message in found
    assert found.startswith("rules.yaml:3:")


@pytest.mark.parametrize(
    "condition",
    [
        "g.u<1",
        "g.u<=0",
        "g.u>0",
        "g.s=a or g.s=b",
        "g.u=1 and g.u=01",
        "g.ip=::1 and g.ip=0::1",
        "not (g.s=a and not g.s=b)",
        "g.s=a and g.s=a",
        "evt.source in (syscall, goldens)",
        "evt.asynctype=scapevent",
        "g.s in (a_b)",
        "evt.num=0",
    ],
)
def test_a_comparison_that_is_right(golden: GoldenFields, condition: str) -> None:
    assert own(golden, rule(condition=condition)) == []


def test_an_empty_list_is_a_place_for_others(golden: GoldenFields) -> None:
    content = "- list: l\n  items: []\n" + rule(condition="g.s=a and not g.s in (l)")
    assert own(golden, content) == []


def test_a_mistake_in_a_macro_is_said_once(golden: GoldenFields) -> None:
    content = "- macro: m\n  condition: g.u<0\n" + rule("A", "m") + rule("B", "m and g.s=a")
    (found,) = own(golden, content, rule_matching="all")
    assert found.startswith("rules.yaml:2:14: warning: rule 'A': g.u < 0 is never true")


def test_a_list_whose_name_is_mistyped(golden: GoldenFields) -> None:
    content = "- list: good_names\n  items: [a]\n" + rule(
        condition="g.s in (god_names, good_names)"
    )
    (found,) = own(golden, content)
    assert "god_names is a text here" in found
    assert "nearest: good_names" in found


def test_an_async_event_that_is_mistyped(golden: GoldenFields) -> None:
    plugin = LoadedPlugin(name="p", version="1.0.0", async_events=("tick", "tock"))
    content = (
        "- {rule: A, desc: d, condition: 'evt.asynctype=tik', output: o, priority: INFO,"
        " warn_evttypes: false}\n"
    )
    (found,) = load_rules(
        [RulesFile(name="r", content=content.encode())], plugins=[plugin]
    ).warnings
    assert (found.code, found.hint) == ("CHECK_UNKNOWN_ASYNC_EVENT", "nearest: tick")
    refused = content.replace("evt.asynctype", "evt.type")
    (error,) = load_rules([RulesFile(name="r", content=refused.encode())], plugins=[plugin]).errors
    assert "there is no event type tik; nearest: tick" in error.message


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (rule(condition="proc.name=a"), "proc.name is a field of syscall"),
        (rule(condition="evt.type=open"), "the source goldens has plugin events"),
        (rule(condition="evt.arg.data=a"), "the source goldens has plugin events"),
        (rule(condition="g.s=a", source="syscall"), "g.s is a field of goldens"),
        (rule(output="'%g.s'", condition="evt.num=1", source="syscall"), "field of goldens"),
        (rule(condition="k8smeta.pod.name=a"), "fields of the plugin k8smeta, which is not loaded"),
    ],
)
def test_a_field_that_is_elsewhere(golden: GoldenFields, content: str, hint: str) -> None:
    (error,) = load(golden, content).errors
    assert hint in (error.hint or "")


def test_near_names(golden: GoldenFields) -> None:
    (error,) = load(golden, rule(condition="evt.pluginame=a")).errors
    assert "nearest: evt.pluginname" in error.message
    content = "- macro: is_small\n  condition: g.u<3\n" + rule(condition="is_smal")
    (error,) = load(golden, content).errors
    assert error.hint == "nearest: is_small"


def test_a_priority_that_is_not_shown(golden: GoldenFields) -> None:
    content = rule() + rule("B", "g.s=x", priority="ERROR")
    (found,) = own(golden, content, priority="warning")
    assert "'A': its priority Informational is below Warning" in found
    assert own(golden, content, priority="informational") == []


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("g.u<5", "g.u<3"),
        ("g.u<5", "g.u=3 and g.s=a"),
        ("g.u<=5", "g.u<6"),
        ("g.s in (a, b, c)", "g.s=b"),
        ("g.s in (a, b, c)", "g.s in (c, a)"),
        ("g.s exists", "g.s startswith a or g.s=b"),
        ("g.s=a or g.t=b", "g.t=b and not g.u=1"),
        ("not g.s=a", "not g.s in (b, a)"),
        ("m", "g.u=1 and m"),
        ("g.s=a and g.u>3", "g.u>4 and (g.s=a)"),
        ("g.ls intersects (a)", "g.ls intersects (a) and g.u=1"),
    ],
)
def test_a_rule_that_an_earlier_one_hides(golden: GoldenFields, earlier: str, later: str) -> None:
    content = "- macro: m\n  condition: g.s=a or g.u=7\n" + rule("A", earlier) + rule("B", later)
    assert own(golden, content, rule_matching="all") == []
    (found,) = own(golden, content, rule_matching="first")
    assert "rule 'B' never fires: 'A', which is before it," in found
    assert (
        own(golden, content + "- {rule: A, enabled: false, override: {enabled: replace}}\n") == []
    )
    other_way = "- macro: m\n  condition: g.s=a or g.u=7\n" + rule("B", later) + rule("A", earlier)
    assert len(own(golden, other_way)) == int((earlier, later) == ("g.u<=5", "g.u<6"))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("g.u<3", "g.u<5"),
        ("not g.s=a", "g.s=b"),
        ("g.s=a", "g.s!=b"),
        ("g.s contains a", "g.s contains ab"),
        ("g.ls in (a)", "g.ls intersects (a)"),
        ("g.s exists", "not g.s=a"),
        ("g.s < 5", "g.s < 3"),
    ],
)
def test_a_rule_of_which_that_is_not_certain(
    golden: GoldenFields, earlier: str, later: str
) -> None:
    assert own(golden, rule("A", earlier) + rule("B", later)) == []


LEAVES = st.sampled_from([
    "g.u<5", "g.u<10", "g.u=5", "g.u>=10", "g.u exists", "g.s=x", "g.s in (x, alpha)", "g.s exists",
    "g.s startswith /", "g.b=true", "g.ls intersects (x)", "g.ls in (x, a)", "g.u in (1, 2)",
])  # fmt: skip
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
        ),
    ),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(earlier=CONDITIONS, later=CONDITIONS)
def test_a_rule_that_is_called_hidden_never_fires(
    golden: GoldenFields, earlier: str, later: str
) -> None:
    ruleset = load(golden, rule("A", earlier) + rule("B", later))
    if any(found.code == "CHECK_HIDDEN_RULE" for found in ruleset.warnings):
        alerts = Engine(ruleset).process(golden_batch(golden))
        assert {alert.rule for alert in alerts} <= {"A"}


def test_a_thousand_rules_are_compared_in_bounded_time(golden: GoldenFields) -> None:
    wide = " and ".join(f"(g.u>{n} or g.s=a{n} or not g.t in (b{n}, c))" for n in range(8))
    content = "".join(rule(f"R{n}", f"{wide} and g.v={n}") for n in range(400))
    plugin = golden_plugin(golden)
    started = time.process_time()
    ruleset = load_rules([RulesFile(name="r", content=content.encode())], plugins=[plugin])
    assert len(ruleset.rules) == 400
    assert time.process_time() - started < 20  # it takes one
