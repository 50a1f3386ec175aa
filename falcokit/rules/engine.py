# SPDX-License-Identifier: Apache-2.0
"""Runs rules on events: batches of events in, alerts out, and how often each rule fired.

A condition may hang on a value that only a real Falco can tell. What then may be an alert is
counted as possible, and is given only on request; an alert is marked as possible too where Falco,
with `rule_matching: first`, may give that of an earlier rule instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.filter.explain import ConditionCounts, render_counts
from falcokit.record import Record
from falcokit.rules.definitions import Priority
from falcokit.rules.events import clock_time, iso_8601, iso_8601_z
from falcokit.rules.output import escaped_line, readable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from falcokit.filter.batch import Truth
    from falcokit.rules.compile import Rule
    from falcokit.rules.events import EventBatch
    from falcokit.rules.load import Ruleset

__all__ = ["Alert", "Engine", "RuleCount"]


class RuleCount(Record):
    """How often a rule fired, and how often it may have: the events for which nobody can tell."""

    alerts: int = 0
    possible: int = 0


class Alert(Record):
    """A rule that fired for an event.

    `message` is the formatted output; `unknown_fields` are those of the output that only a real
    Falco can tell, which stand in it as `<unknown>`. `possible` says that a real Falco may not give
    this alert.
    """

    number: int
    time_ns: int
    rule: str
    priority: Priority
    source: str
    tags: tuple[str, ...]
    message: str
    output_fields: dict[str, Any]
    possible: bool = False
    unknown_fields: tuple[str, ...] = ()
    #: Whether `output` begins with date and time in UTC, or with the local time of day.
    time_format_iso_8601: bool = True

    @property
    def output(self) -> str:
        """Time, priority and message, as Falco's `output`."""
        time = (iso_8601 if self.time_format_iso_8601 else clock_time)(self.time_ns)
        return f"{time}: {self.priority.label} {self.message}"

    @property
    def line(self) -> str:
        """The line of Falco's log: the output, control characters escaped."""
        return escaped_line(self.output)

    def to_json(self) -> dict[str, Any]:
        """Return the alert as a report: numbers and texts as Falco writes them."""
        shown: dict[str, Any] = {
            "report": "alert",
            "number": self.number,
            "time": iso_8601_z(self.time_ns),
            "rule": self.rule,
            "priority": self.priority.label,
            "source": self.source,
            "tags": list(self.tags),
            "output": readable(self.output),
            "output_fields": self.output_fields,
        }
        if self.possible:
            shown["possible"] = True
        if self.unknown_fields:
            shown["unknown_fields"] = list(self.unknown_fields)
        return shown


class Engine:
    """Runs the enabled rules of a ruleset whose priority is not below `priority`."""

    def __init__(
        self,
        ruleset: Ruleset,
        *,
        rule_matching: str = "first",
        priority: str | Priority = Priority.DEBUG,
        possible: bool = False,
        explain: Collection[str] = (),
        time_format_iso_8601: bool = True,
    ) -> None:
        """With `possible`, alerts are given for unknown conditions too.

        `rule_matching` is "first" or "all", and `time_format_iso_8601` what it is in falco.yaml.
        For the rules that `explain` names it is counted how many events passed which part of the
        condition. Raises ValueError for another word.
        """
        lowest = priority if isinstance(priority, Priority) else Priority.parse(priority)
        if lowest is None:
            raise ValueError(f"there is no priority {priority!r}")
        if rule_matching not in {"first", "all"}:
            raise ValueError(f"rule_matching is 'first' or 'all', not {rule_matching!r}")
        self._first: Final = rule_matching == "first"
        self._possible: Final = possible
        self._iso: Final = time_format_iso_8601
        self._lowest: Final = lowest
        self._ruleset: Final = ruleset
        self._rules: Final[dict[str, list[Rule]]] = {}
        self._parts: Final[dict[str, ConditionCounts]] = {
            rule.name: ConditionCounts(rule.condition)
            for rule in ruleset.rules
            if rule.name in explain
        }
        #: The rules before each of these that had an event for which it was true as well.
        self._takers: Final[dict[str, dict[str, None]]] = {name: {} for name in self._parts}
        self._counts: Final[dict[str, list[int]]] = {}
        for rule in ruleset.rules:
            if rule.enabled and rule.priority <= lowest:
                self._rules.setdefault(rule.source, []).append(rule)
                self._counts[rule.name] = [0, 0]

    @property
    def counts(self) -> dict[str, RuleCount]:
        """How often each rule that runs fired so far."""
        return {
            name: RuleCount(alerts=alerts, possible=possible)
            for name, (alerts, possible) in self._counts.items()
        }

    def explain(self, name: str) -> str:
        """Return why a rule is silent, its cause first, and how many events passed each part."""
        rule = self._ruleset.rule(name)
        if rule is None:
            return (
                f"there is no rule {name!r}: it is not defined, or was left out when it was loaded"
            )
        if not rule.enabled:
            return "it is not enabled"
        if rule.priority > self._lowest:
            shown = self._lowest.label
            return f"its priority {rule.priority.label} is below {shown}, the lowest that is shown"
        parts = self._parts.get(name)
        alerts, possible = self._counts[name]
        if alerts or parts is None:
            first = f"{alerts} alerts, and {possible} more that only a real Falco can tell"
        elif not parts.root.events:
            return f"no event of the source {rule.source} came"
        else:
            first = parts.cause() or self._taken(name, parts.root.alone)
        return first if parts is None else f"{first}\n{render_counts(parts.root)}"

    def _taken(self, name: str, events: str) -> str:
        """Say which rules before it had the events for which a silent rule is true."""
        before = ", ".join(repr(taker) for taker in self._takers[name])
        return f"rules before it take the events for which it is true ({events}): {before}"

    def process(self, events: EventBatch) -> list[Alert]:
        """Return the alerts of a batch, in the order of its events and, for each, of the rules."""
        found: list[tuple[int, int, Rule, bool]] = []
        batch = events.batch
        undecided = batch.every  # what no earlier rule has certainly taken
        doubtful = 0  # what an earlier rule has possibly taken
        earlier: list[tuple[str, int]] = []  # what each took, or may have
        for order, rule in enumerate(self._rules.get(events.source, ())):
            true, unknown = self._truth(rule, events)
            if rule.name in self._parts:
                self._parts[rule.name].add(batch)
                if self._first and not self._counts[rule.name][0]:
                    takers = (taker for taker, taken in earlier if taken & true)
                    self._takers[rule.name].update(dict.fromkeys(takers))
            if self._first:
                true, unknown = true & undecided, unknown & undecided
                undecided &= ~true
                earlier.append((rule.name, true | unknown))
            count = self._counts[rule.name]
            count[0] += (true & ~doubtful).bit_count()
            count[1] += (unknown | (true & doubtful)).bit_count()
            found += [(row, order, rule, bool(doubtful >> row & 1)) for row in _rows(true)]
            if self._possible:
                found += [(row, order, rule, True) for row in _rows(unknown)]
            if self._first:
                doubtful |= unknown
            if not undecided and not self._parts:
                break
        found.sort(key=lambda each: each[:2])
        return [self._alert(events, row, rule, possible) for row, _, rule, possible in found]

    def _truth(self, rule: Rule, events: EventBatch) -> Truth:
        return rule.condition.evaluate(events.batch)

    def _alert(self, events: EventBatch, row: int, rule: Rule, possible: bool) -> Alert:
        batch = events.batch
        fields = rule.output_format.values(batch, row)
        # Falco begins each line with the time, which makes it one of the fields.
        fields["evt.time.iso8601" if self._iso else "evt.time"] = events.times_ns[row]
        return Alert(
            number=events.numbers[row],
            time_ns=events.times_ns[row],
            rule=rule.name,
            priority=rule.priority,
            source=rule.source,
            tags=rule.tags,
            message=rule.output_format.text(batch, row),
            output_fields=dict(sorted(fields.items())),
            possible=possible,
            time_format_iso_8601=self._iso,
            unknown_fields=rule.output_format.unknown(batch, row),
        )


def _rows(mask: int) -> Iterator[int]:
    """Yield the positions of the bits that are set."""
    data = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
    for at, byte in enumerate(data):
        if byte:
            for bit in range(8):
                if byte >> bit & 1:
                    yield 8 * at + bit
