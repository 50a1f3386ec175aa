# SPDX-License-Identifier: Apache-2.0
"""Rules on the events of a running plugin: the reports of a run go in, alerts come out.

The runner sends a row for every event that passes, with the values of the plugin's fields. What
else a condition reads is in the row itself or, on a replay, in the stored event. The rules can be
loaded again at any time: the plugin runs on, and rules with errors change nothing.
"""

from __future__ import annotations

import re
import struct
import time
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import ASYNC_EVENT
from falcokit.capture.format.errors import MalformedEventError
from falcokit.filter.batch import UNKNOWN
from falcokit.filter.explain import explain_event, render_answer
from falcokit.filter.fields import ArgumentKind
from falcokit.rules import SYSCALL, Engine, EventBatch, load_rules
from falcokit.rules.captured import captured_batch, is_replayed
from falcokit.runner.event_rows import event_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from falcokit.capture.events.event import Event
    from falcokit.capture.state.moments import Moment
    from falcokit.filter.fields import FieldSpec
    from falcokit.filter.tree import FieldRef
    from falcokit.rules import LoadedPlugin, Ruleset
    from falcokit.runner.event_rows import EventRow
    from falcokit.runner.reports import Report

__all__ = ["LiveRules"]

_NO_THREAD: Final = -1
_PLUGININFO: Final = "evt.plugininfo"
_MOST_KEPT: Final = 500
#: What separates fields in the runner's list of them, and what ends the list.
_UNASKABLE: Final = re.compile("\\],|\\0")


class LiveRules:
    """Rules files, and what their rules have found so far in one run."""

    def __init__(
        self,
        files: Sequence[Path],
        plugin: LoadedPlugin | None,
        *,
        plugin_id: int = 0,
        rule_matching: str = "first",
        priority: str = "debug",
        explained: bool = False,
    ) -> None:
        """With `explained`, what passes each clause is counted for `explanations`.

        Without a plugin the rules are for Falco's own events alone. `plugin_id` is in the stored
        events of the plugin's event source; 0: it has none.
        """
        self._files, self._plugin, self._plugin_id = tuple(files), plugin, plugin_id
        self._rule_matching, self._priority = rule_matching, priority
        self._explained = explained
        self._ruleset: Ruleset | None = None
        self._engine: Engine | None = None
        #: The time of the first event of the stream; that of the first row if nobody sets it.
        self.first_ns: int | None = None
        #: The fields of the rows, in their order.
        self._columns: dict[str, int] = {}
        #: Whether rows have what the plugin says of an event.
        self._has_texts = False
        #: Events that were reported whole, the oldest first; with the row, when it has come.
        self._kept: dict[int, tuple[Moment | None, EventRow | None] | None] = {}

    def load(self) -> Report:
        """Read the files, and return a report of what is wrong with them.

        With errors the rules that ran before go on.
        """
        ruleset = load_rules(
            self._files,
            plugins=[] if self._plugin is None else [self._plugin],
            rule_matching=self._rule_matching,
            priority=self._priority,
        )
        if not ruleset.errors:
            self._ruleset = ruleset
            self._engine = Engine(
                ruleset,
                rule_matching=self._rule_matching,
                priority=self._priority,
                explain=[rule.name for rule in ruleset.rules] if self._explained else (),
            )
        return {
            "report": "rules",
            "files": [str(path) for path in self._files],
            "rules": [rule.name for rule in ruleset.rules if rule.enabled],
            "errors": [found.to_json() for found in ruleset.errors],
            "warnings": [found.to_json() for found in ruleset.warnings],
        }

    def columns(self) -> str:
        """Return the fields that rows must have: for RunOptions.rows, at the start of a run."""
        fields = self.fields()
        self._has_texts = self._ruleset is not None and _PLUGININFO in _written(self._ruleset)
        return ",".join([_PLUGININFO, *fields] if self._has_texts else fields)

    def fields(self) -> list[str]:
        """Return the plugin's fields that rows must have, in their order.

        These are all fields that need no argument, since rules may change, and those with one that
        the rules have now.
        """
        names = [
            spec.name
            for spec in self._own_fields
            if spec.argument is ArgumentKind.NONE or not spec.required
        ]
        own = {spec.name for spec in self._own_fields}
        written = [] if self._ruleset is None else _written(self._ruleset)
        names += [each for each in written if "[" in each and each.partition("[")[0] in own]
        wanted = [each for each in dict.fromkeys(names) if not _UNASKABLE.search(each)]
        self._columns = {name: at for at, name in enumerate(wanted)}
        return wanted

    @property
    def _own_fields(self) -> tuple[FieldSpec, ...]:
        return () if self._plugin is None else self._plugin.fields

    def keep(self, number: int) -> None:
        """Keep the row of an event, which comes after its report, for `event_explanation`."""
        self._kept[number] = None
        if len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def event_explanation(self, number: int) -> Report:
        """Return a report of what each rule for the source of a kept event says of it."""
        kept, ruleset = self._kept.get(number), self._ruleset
        rules = []
        if kept is not None and ruleset is not None:
            for batch in self._batches_of([kept]):
                for rule in ruleset.rules:
                    if not rule.enabled or rule.source != batch.source:
                        continue
                    answer = explain_event(rule.condition, batch.batch, 0)
                    text = render_answer(answer)
                    rules.append({"rule": rule.name, "answer": str(answer.answer), "text": text})
        known = kept is not None
        return {"report": "event_explanation", "number": number, "known": known, "rules": rules}

    def take(self, report: Report) -> Iterator[Report]:
        """Yield the alerts for a report of rows, in the order of its events."""
        if self._kept:
            self._keep_rows(report)
        engine = self._engine
        if engine is None:
            return
        found = [alert for batch in self._batches(report) for alert in engine.process(batch)]
        found.sort(key=lambda alert: alert.number)  # those of one event keep their order
        for alert in found:
            yield alert.to_json()

    def counts(self) -> Report:
        """Return a report of how often each rule fired."""
        counts = {} if self._engine is None else self._engine.counts
        return {
            "report": "rule_counts",
            "rules": {
                name: {"alerts": count.alerts, "possible": count.possible}
                for name, count in counts.items()
            },
        }

    def explanations(self) -> dict[str, str]:
        """Return by name why rules never fired: a line with the cause, then each clause."""
        ruleset, engine = self._ruleset, self._engine
        if ruleset is None or engine is None:
            return {}
        fired = {name for name, count in engine.counts.items() if count.alerts}
        return {
            rule.name: engine.explain(rule.name) for rule in ruleset.rules if rule.name not in fired
        }

    def source_of(self, event: Event) -> str:
        """Return the source of a stored event; empty if the plugin is not the one it is of."""
        try:
            number = event.plugin_id
        except MalformedEventError:
            return ""
        if number is None or (number == 0 and event.code == ASYNC_EVENT):
            return SYSCALL
        own = None if self._plugin is None else self._plugin.event_source
        return own if own is not None and number == self._plugin_id else ""

    def _keep_rows(self, report: Report) -> None:
        for pair in _pairs(report):
            moment, row = pair
            number = row.number if row else moment.event.number if moment else 0
            if number in self._kept:
                self._kept[number] = pair

    def _batches(self, report: Report) -> Iterator[EventBatch]:
        """Yield the events of a report by their source, in the order of each."""
        return self._batches_of(_pairs(report))

    def _batches_of(
        self, pairs: Iterable[tuple[Moment | None, EventRow | None]]
    ) -> Iterator[EventBatch]:
        by_source: dict[str, list[tuple[Moment | None, EventRow | None]]] = {}
        for moment, row in pairs:
            if moment is not None and not is_replayed(moment.event):
                continue
            of_moment = "" if moment is None else self.source_of(moment.event)
            by_source.setdefault(row.source if row else of_moment, []).append((moment, row))
        for source, found in by_source.items():
            if source:
                yield self._batch(source, found)

    def _batch(self, source: str, pairs: list[tuple[Moment | None, EventRow | None]]) -> EventBatch:
        rows = [row for _, row in pairs]
        events = [moment.event if moment is not None else None for moment, _ in pairs]
        both = list(zip(events, rows, strict=True))

        def read(field: FieldRef) -> Sequence[Any] | None:
            return self._values(field, rows)

        times = [event.ts_ns or 0 if event else row.ts_ns if row else 0 for event, row in both]
        if self.first_ns is None and times:
            self.first_ns = times[0]
        if source != SYSCALL:
            return EventBatch(
                source,
                [event.number if event else row.number if row else 0 for event, row in both],
                times,
                read,
                first_time_ns=self.first_ns,
                plugin=None if self._plugin is None else self._plugin.name,
                async_names=[_async_name(event, row) for event, row in both],
            )
        moments = [moment for moment, _ in pairs if moment is not None]
        return captured_batch(
            [event or _event(row) for event, row in both],
            read=read,
            first_time_ns=self.first_ns,
            moments=moments or None,
        )

    def _values(self, field: FieldRef, rows: Sequence[EventRow | None]) -> Sequence[Any] | None:
        """Return a plugin's field of each event; None for a field of Falco's own."""
        if field.name == _PLUGININFO and self._has_texts:
            return [_plugininfo(row) for row in rows]
        at = self._columns.get(field.written)
        if at is not None:
            return [row.values[at] if row and row.values is not None else None for row in rows]
        if any(spec.name == field.name for spec in self._own_fields):
            return [UNKNOWN] * len(rows)  # rules that were saved meanwhile: rows do not have it
        return None


def _pairs(report: Report) -> Iterator[tuple[Moment | None, EventRow | None]]:
    """Yield the events of a report of rows: as stored, on a replay, and their rows."""
    stored: list[tuple[Moment, EventRow | None]] | None = report.get("stored")
    if stored is None:
        for row in report["rows"]:
            yield None, row
    else:
        yield from stored


def _plugininfo(row: EventRow | None) -> Any:
    """Return the text of a plugin's event; async events have none."""
    if row is not None and row.name is not None:
        return None
    return UNKNOWN if row is None or row.text is None else row.text


def _written(ruleset: Ruleset) -> list[str]:
    sources = dict.fromkeys(rule.source for rule in ruleset.rules)
    return [written for source in sources for written in ruleset.fields(source)]


def _async_name(event: Event | None, row: EventRow | None) -> str | None:
    if event is not None:
        return event.async_name if event.code == ASYNC_EVENT else None
    return row.name if row else None


def _event(row: EventRow | None) -> Event:
    """Return a live event of Falco's own source, which is an async one, as a stored event."""
    if row is None:
        raise TypeError("there is neither an event nor a row")
    name = (row.name or "").encode("utf-8", "surrogateescape") + b"\0"
    data = row.data or b""
    params = struct.pack("=III", 4, len(name), len(data)) + struct.pack("=I", row.plugin_id)
    return event_of(
        number=row.number, ts_ns=row.ts_ns or time.time_ns(), tid=_NO_THREAD, code=ASYNC_EVENT,
        count=3, params=params + name + data,
    )  # fmt: skip
