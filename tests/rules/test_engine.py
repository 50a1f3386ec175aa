# SPDX-License-Identifier: Apache-2.0
"""Running rules: which one fires under `rule_matching`, and what hangs on unknown values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from golden_rules import golden_batch, load
from test_load import rule

from falcokit.rules import UNKNOWN, Engine, EventBatch, Priority, RuleCount

if TYPE_CHECKING:
    from golden_fields import GoldenFields


def batch(**columns: list[Any]) -> EventBatch:
    size = len(next(iter(columns.values())))

    def read(field: Any) -> list[Any] | None:
        return columns.get(field.name.removeprefix("g."))

    return EventBatch("goldens", list(range(1, size + 1)), [0] * size, read)


def test_an_alert_of_an_unknown_condition_is_given_on_request(golden: GoldenFields) -> None:
    ruleset = load(golden, rule("A", "g.s=a"))
    events = {"s": ["a", UNKNOWN, "b", None]}
    engine = Engine(ruleset)
    assert [(alert.number, alert.possible) for alert in engine.process(batch(**events))] == [
        (1, False)
    ]
    assert engine.counts == {"A": RuleCount(alerts=1, possible=1)}
    found = Engine(ruleset, possible=True).process(batch(**events))
    assert [(alert.number, alert.possible) for alert in found] == [(1, False), (2, True)]
    assert found[1].to_json()["possible"] is True
    assert "possible" not in found[0].to_json()


def test_the_fields_of_alerts_are_read_once_for_all(golden: GoldenFields) -> None:
    ruleset = load(golden, rule("A", "g.s=a", output="'%evt.time %evt.datetime %g.u'"))
    read: list[str] = []

    def reading(field: Any) -> list[Any] | None:
        read.append(field.written)
        return {"g.s": ["a"] * 50, "g.u": [1] * 50}.get(field.written)

    times = list(range(50))
    found = Engine(ruleset).process(EventBatch("goldens", times, times, reading))
    assert [alert.output_fields["evt.time"] for alert in found] == times
    assert len(read) == len(set(read))


def test_an_earlier_rule_that_is_unknown_makes_a_later_one_possible(golden: GoldenFields) -> None:
    ruleset = load(golden, rule("A", "g.s=a") + rule("B", "g.u=1") + rule("C", "g.u<9"))
    events = {"s": [UNKNOWN, "a", "b", UNKNOWN], "u": [1, 1, 1, 5]}
    engine = Engine(ruleset)
    found = engine.process(batch(**events))
    assert [(alert.number, alert.rule, alert.possible) for alert in found] == [
        (1, "B", True),
        (2, "A", False),
        (3, "B", False),
        (4, "C", True),
    ]
    assert engine.counts == {
        "A": RuleCount(alerts=1, possible=2),
        "B": RuleCount(alerts=1, possible=1),
        "C": RuleCount(alerts=0, possible=1),
    }
    everything = Engine(ruleset, rule_matching="all", possible=True).process(batch(**events))
    assert [(alert.number, alert.rule, alert.possible) for alert in everything] == [
        (1, "A", True), (1, "B", False), (1, "C", False),
        (2, "A", False), (2, "B", False), (2, "C", False),
        (3, "B", False), (3, "C", False),
        (4, "A", True), (4, "C", False),
    ]  # fmt: skip


def test_three_values_make_sense_together(golden: GoldenFields) -> None:
    conditions = {
        "g.s=a and g.u=1": "TUF F",
        "g.s=a or g.u=1": "TTT U",
        "not g.s=a": "FUT U",
        "g.s exists": "TUT U",
    }
    for condition, expected in conditions.items():
        engine = Engine(load(golden, rule(condition=condition)), possible=True)
        events = batch(s=["a", UNKNOWN, "b", UNKNOWN], u=[1, 1, 1, 2])
        found = {alert.number: alert.possible for alert in engine.process(events)}
        shown = "".join("F" if n not in found else "U" if found[n] else "T" for n in range(1, 5))
        wanted = expected.replace(" ", "")
        assert shown == wanted, condition


@pytest.mark.parametrize("matching", ["first", "all"])
def test_batches_do_not_change_the_outcome(golden: GoldenFields, matching: str) -> None:
    content = rule("A", "g.u>5") + rule("B", "g.s exists") + rule("C", "not g.ls intersects (x)")
    ruleset = load(golden, content)
    whole = Engine(ruleset, rule_matching=matching).process(golden_batch(golden))
    for size in (1, 5, 17):
        engine = Engine(ruleset, rule_matching=matching)
        rows = [range(start, min(start + size, 18)) for start in range(0, 18, size)]
        assert [a for r in rows for a in engine.process(golden_batch(golden, r))] == whole


def test_events_of_another_source_and_no_events(golden: GoldenFields) -> None:
    engine = Engine(load(golden, rule()))
    assert engine.process(EventBatch("syscall", [1], [0])) == []
    assert engine.process(EventBatch("goldens", [], [])) == []


def test_what_an_engine_takes(golden: GoldenFields) -> None:
    ruleset = load(golden, rule() + rule("B", priority="ERROR"))
    assert set(Engine(ruleset, priority="Error").counts) == {"B"}
    assert set(Engine(ruleset, priority=Priority.INFORMATIONAL).counts) == {"A", "B"}
    for wrong in ({"rule_matching": "both"}, {"priority": "LOUD"}):
        with pytest.raises(ValueError, match=r"both|LOUD"):
            Engine(ruleset, **wrong)
        with pytest.raises(ValueError, match=r"both|LOUD"):
            load(golden, rule(), **wrong)
    with pytest.raises(ValueError, match="1 numbers and 2 times"):
        EventBatch("goldens", [1], [0, 0])


def test_async_events_and_those_of_no_plugin() -> None:
    from falcokit.rules import FieldRef

    def values(events: EventBatch, name: str) -> Any:
        ref = FieldRef(name=name, argument=None, position=0)
        return list(events.batch.read(ref, lambda value: value))

    mixed = EventBatch("p", [1, 2], [0, 1], plugin="p", async_names=[None, "tick"])
    assert values(mixed, "evt.asynctype") == [None, "tick"]
    assert values(mixed, "evt.is_async") == [False, True]
    assert values(mixed, "evt.pluginname") == ["p", None]
    assert values(mixed, "evt.plugininfo") == [UNKNOWN, UNKNOWN]
    system = EventBatch("syscall", [1], [0])
    assert values(system, "evt.pluginname") == [None]
    assert values(system, "evt.asynctype") == [UNKNOWN]
    assert values(system, "evt.hostname") == [UNKNOWN]
    assert values(system, "evt.reltime") == [UNKNOWN]
    assert values(system, "proc.name") == [UNKNOWN]


def test_a_silent_rule_is_explained(golden: GoldenFields) -> None:
    content = rule("A", "g.u>5 and g.s=alpha") + rule("B", "g.u>5", enabled="false")
    content += rule("C", "g.u>5", priority="DEBUG") + rule("D", "g.u>5") + rule("E", "g.u>7")
    ruleset = load(golden, content)
    engine = Engine(ruleset, priority="info", explain=["A", "B", "E"])
    for rows in (range(7), range(7, 18)):
        engine.process(golden_batch(golden, rows))
    assert engine.explain("A").splitlines() == [
        "no event has both g.u > 5 (10 of 18) and g.s = 'alpha' (1 of 18)",
        "and: 0 of 18",
        "  g.u > 5: 10 of 18",
        "  g.s = 'alpha': 0 of 10 (1 of 18 alone)",
    ]
    assert engine.explain("B") == "it is not enabled"
    assert "its priority Debug is below Informational" in engine.explain("C")
    assert engine.explain("D") == "10 alerts, and 0 more that only a real Falco can tell"
    taken = "rules before it take the events for which it is true (9 of 18): 'D'"
    assert engine.explain("E").splitlines()[0] == taken
    assert "there is no rule 'F'" in engine.explain("F")


def test_the_local_time_of_day(golden: GoldenFields) -> None:
    ruleset = load(golden, rule("A", "g.s=alpha"))
    (alert,) = Engine(ruleset, time_format_iso_8601=False).process(golden_batch(golden))
    assert alert.line == "22:13:20.000000000: Informational 1"
    assert alert.output_fields == {"evt.num": 1, "evt.time": 1_700_000_000_000_000_000}
    assert alert.to_json()["time"] == "2023-11-14T22:13:20.000000000Z"
