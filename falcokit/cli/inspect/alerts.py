# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect FILE --rules RULES.yaml`: the alerts that rules give on a capture.

The capture passes once, in batches of some thousand events, each event with the values that the
plugin has for it. Only what a replay shows is looked at.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.filter.compile import Filter
from falcokit.capture.format.text import json_text
from falcokit.capture.state.moments import CaptureState
from falcokit.cli import console
from falcokit.cli.inspect.extraction import BATCH_BYTES, BATCH_EVENTS, about_plugin
from falcokit.cli.lines import EventLines
from falcokit.cli.option_values import check_rules_files
from falcokit.cli.rules import refuse_wrong_rules
from falcokit.rules.captured import is_replayed
from falcokit.runner.event_rows import EventRow
from falcokit.runner.rules import LiveRules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from falcokit.build.about import LibraryAbout
    from falcokit.capture.events.event import Event
    from falcokit.capture.reader import Capture
    from falcokit.capture.state.moments import Moment
    from falcokit.cli.inspect.choice import Wanted
    from falcokit.cli.inspect.options import InspectOptions
    from falcokit.runner.extract import Value
    from falcokit.runner.reports import Report

__all__ = ["AlertListing"]


class AlertListing:
    """Rules that are run on one capture; the same lines and reports as those of `falcokit run`."""

    def __init__(self, options: InspectOptions, plugin: Path | None) -> None:
        """Load the rules; raise RulesError if they have errors, which are shown then."""
        check_rules_files(options.rules)
        self._options, self._plugin = options, plugin
        about = None if plugin is None else about_plugin(plugin)
        self._rules = LiveRules(
            options.rules,
            None if about is None else _loaded(about),
            plugin_id=0 if about is None else about.plugin_id,
            rule_matching=options.rule_matching,
            priority=options.priority,
            explained=options.explain,
        )
        self._show: Callable[[Report], Any] = _Document() if options.as_json else _shown(options)
        report = self._rules.load()
        self._show(report)
        refuse_wrong_rules(len(report["errors"]))
        self._waiting: list[tuple[Moment, EventRow | None]] = []
        self._bytes = 0
        #: Alerts that are counted already and not shown yet.
        self._alerts: deque[Report] = deque()

    def show(
        self,
        capture: Capture,
        wanted: Wanted,
        reading: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Show the alerts, then how often each rule fired.

        `reading` is around the reading of the capture, and ends it early without an error if it
        was interrupted.
        """
        with reading():
            try:
                for moment, values in self._with_values(self._wanted(capture, wanted)):
                    self._add(moment, values)
            finally:  # an interruption, or a plugin that failed: what was read before is shown
                self._flush()
        self._show_alerts()  # all that are counted, if the interruption came while some were shown
        self._show(self._rules.counts())
        if self._options.explain:
            self._show({"report": "explanations", "rules": self._rules.explanations()})
        if isinstance(self._show, _Document):
            self._show.end()

    def _wanted(self, capture: Capture, wanted: Wanted) -> Iterator[Moment]:
        moments = self._moments(capture)
        if wanted is None:
            return moments
        if isinstance(wanted, Filter):
            return (moment for moment in moments if wanted.matches(moment.event))
        return wanted.select(moments, lambda moment: moment.event)

    def _moments(self, capture: Capture) -> Iterator[Moment]:
        """Follow the capture, and yield what a replay shows of it."""
        state = CaptureState(capture)
        for event in capture:
            state.apply(event)
            if is_replayed(event):
                if self._rules.first_ns is None:
                    self._rules.first_ns = event.ts_ns
                yield state.moment(event)

    def _with_values(
        self, moments: Iterator[Moment]
    ) -> Iterator[tuple[Moment, tuple[Value, ...] | None]]:
        fields = self._rules.fields()
        if self._plugin is None or not fields:
            yield from ((moment, None) for moment in moments)
            return
        from falcokit.cli.inspect.extraction import extracting  # noqa: PLC0415 - only with a plugin

        with extracting(self._plugin, self._options.init_config, fields) as extraction:
            # It answers in batches: when it was given many events, or the last one.
            portions = ((moment,) for moment in moments) if self._options.follow else (moments,)
            for portion in portions:
                ahead: deque[Moment] = deque()
                found = extraction.extract(_events(portion, ahead))
                yield from ((ahead.popleft(), values) for _, values in found)

    def _add(self, moment: Moment, values: tuple[Value, ...] | None) -> None:
        event = moment.event
        row = EventRow(
            number=event.number, ts_ns=event.ts_ns or 0, plugin_id=0,
            source=self._rules.source_of(event), name=None, data=None, size=0, values=values,
        )  # fmt: skip
        self._waiting.append((moment, row))
        self._bytes += event.size
        full = len(self._waiting) >= BATCH_EVENTS or self._bytes >= BATCH_BYTES
        if full or self._options.follow:
            self._flush()

    def _flush(self) -> None:
        self._show_alerts()
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if not waiting:
            return
        self._alerts.extend(self._rules.take({"report": "rows", "rows": [], "stored": waiting}))
        self._show_alerts()

    def _show_alerts(self) -> None:
        while self._alerts:
            self._show(self._alerts.popleft())


def _events(moments: Iterable[Moment], ahead: deque[Moment]) -> Iterator[Event]:
    """Yield the events of moments, each of which waits in `ahead` for the values of its event."""
    for moment in moments:
        ahead.append(moment)
        yield moment.event


def _shown(options: InspectOptions) -> Callable[[Report], Any]:
    return console.json_line if options.jsonl else EventLines().show


def _loaded(about: LibraryAbout) -> Any:
    from falcokit.build.loaded_plugin import loaded_plugin  # noqa: PLC0415 - see above

    return loaded_plugin(about)


class _Document:
    """One JSON document, written piece by piece: a capture can give alerts without number."""

    def __init__(self) -> None:
        self._alerts = 0
        self._rest: dict[str, Any] = {}

    def __call__(self, report: Report) -> None:
        """Write an alert, or keep what comes after all of them."""
        kind = report.pop("report")
        if kind == "rules" and report["errors"]:  # there will be no document but that of the error
            EventLines().show({"report": kind, **report})
        elif kind == "alert":
            console.data((", " if self._alerts else _HEAD) + json_text(report))
            self._alerts += 1
        elif kind == "rules":
            self._rest["warnings"] = report["warnings"]
        else:
            self._rest[_KEYS[kind]] = report["rules"]

    def end(self) -> None:
        """Write what comes after the alerts."""
        rest = json_text(self._rest)
        console.data(("" if self._alerts else _HEAD) + "], " + rest.removeprefix("{"))


_HEAD: Final = '{"version": 1, "alerts": [\n'
_KEYS: Final = {"rule_counts": "rules", "explanations": "explanations"}
