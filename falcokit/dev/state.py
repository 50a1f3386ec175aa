# SPDX-License-Identifier: Apache-2.0
"""The current state of `falcokit dev`: counts, rates, logs and reloads, computed from the reports.

One thread applies each report, and the screen reads the state on its own thread: both hold `lock`.
It uses no terminal, and only the clocks that it is given.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from falcokit.dev.problems import Problem, problem_of_error, problem_of_text, problems_of_rules
from falcokit.runner.reports import producer_rows, take_producers

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runner.reports import ProducerRow, Report

__all__ = ["AlertLine", "DevState", "EventRow", "LogLine", "ReloadLine", "SeenEvent"]

BUCKET_MS: Final = 500.0
"""One bar of the rates."""

_WINDOW: Final = 4
"""Buckets over which a rate is computed; with fewer, one event a second jumps between 0 and 2."""

_HISTORY: Final = 240
_COUNTERS: Final = (
    "emitted", "sent", "delivered", "waiting", "held", "unconfirmed", "lost", "discarded",
    "undelivered", "refused", "delivery_p50_us", "delivery_p99_us",
)  # fmt: skip
"""The metrics that falcokit's delivery adds to each plugin's metrics, after `async_`."""
_SOURCE_COUNTERS: Final = (
    "events", "bytes", "batches", "waiting", "dropped_oversize", "dropped_queue_full", "discarded",
)  # fmt: skip
"""Those of falcokit's event sources, after `source_`."""

_SEEN_EVENTS: Final = 500
_SEEN_BYTES: Final = 8 << 20
_STALE_SECONDS: Final = 5.0
_STALE_TIMES: Final = 10
"""A name is stale when nothing has come for so many times its usual interval."""

#: What a row of events counts.
RowKind = Literal["async event", "source", "system call"]


@dataclass
class EventRow:
    """One async event name, the events of the plugin's source, or a system call of a replay."""

    name: str
    kind: RowKind = "async event"
    count: int = 0
    bytes: int = 0
    rate: float = 0.0
    byte_rate: float = 0.0
    history: deque[float] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    last_data: str = ""
    producer: str = ""  # the problem of its producer; "": none
    first_at: float | None = None
    last_at: float | None = None
    _marks: deque[tuple[float, int, int]] = field(
        default_factory=lambda: deque([(0.0, 0, 0)], maxlen=_WINDOW)
    )

    def update(self, stats: Report, elapsed_ms: float, now: float) -> None:
        """Apply the figures of a stats report, which count from the start of the run."""
        count, size = int(stats["count"]), int(stats.get("bytes", 0))
        if count != self.count:
            self.last_at = now
            if self.first_at is None:
                self.first_at = now
            self.count, self.bytes = count, size
        if "last_data" in stats:
            self.last_data = str(stats["last_data"])
        last_ms, last_count, _ = self._marks[-1]
        if elapsed_ms - last_ms < BUCKET_MS:
            return
        self.history.append((count - last_count) / (elapsed_ms - last_ms) * 1000)
        begin_ms, begin_count, begin_size = self._marks[0]
        self.rate = (count - begin_count) / (elapsed_ms - begin_ms) * 1000
        self.byte_rate = (size - begin_size) / (elapsed_ms - begin_ms) * 1000
        self._marks.append((elapsed_ms, count, size))

    def is_stale(self, now: float) -> bool:
        """Return whether events that came regularly have stopped."""
        if self.last_at is None or self.first_at is None or self.count <= _STALE_TIMES:
            return False
        usual = (self.last_at - self.first_at) / (self.count - 1)
        return now - self.last_at > max(_STALE_SECONDS, _STALE_TIMES * usual)


@dataclass(frozen=True)
class SeenEvent:
    """An event that the runner reported whole; `report` is as docs/cli.md has it."""

    report: Report

    @property
    def number(self) -> int:
        """Its number in the capture."""
        return int(self.report["number"])

    @property
    def label(self) -> str:
        """The name of an async event, the source of a plugin's event, else its type."""
        report = self.report
        of_source = report.get("source") if report.get("code") == _PLUGIN_EVENT else None
        return str(report.get("name") or of_source or report.get("type") or "")


_PLUGIN_EVENT: Final = 322


@dataclass(frozen=True)
class LogLine:
    """A log line of the plugin, or an error report."""

    at: float
    severity: str
    text: str


@dataclass(frozen=True)
class AlertLine:
    """An alert: its time and text as Falco writes them, and its rule."""

    output: str
    rule: str
    priority: str
    report: Report = field(default_factory=dict, compare=False)


@dataclass
class ReloadLine:
    """One build and its outcome."""

    at: float
    changed: list[str]
    build_ms: float
    compiled: bool = False
    run: int | None = None
    first_event_ms: float | None = None
    problem: str | None = None


class DevState:
    """Everything the screen shows."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self.lock = threading.Lock()
        self.plugin = self.version = self.source = ""
        self.run = 0
        self.pid: int | None = None  # of the child that runs
        self.status = "starting"
        self.building_since: float | None = None
        self.rss_kb = 0
        self.queued = 0
        self.opened_at: float | None = None
        self.events: dict[str, EventRow] = {}
        self.seen: deque[SeenEvent] = deque()
        self.metrics: dict[str, Any] = {}  # the author's
        self.delivery: dict[str, int] = {}  # of async events
        self.source_figures: dict[str, int] = {}
        self.producers: list[ProducerRow] = []
        self.declared_fields: list[Report] = []
        self.fields: dict[str, Any] = {}  # of the last event that has some
        self.fields_of: int | None = None  # its number
        self.rejected: dict[str, int] = {}
        self.dropped: dict[str, int] = {}
        self.plugin_refused: dict[str, int] = {}
        self.plugin_dropped: dict[str, int] = {}
        self.fault: Problem | None = None
        self.alerts: deque[AlertLine] = deque(maxlen=200)
        self.rules: dict[str, int] = {}  # alerts by rule
        self.rules_faults: list[Problem] = []
        self.explanations: dict[str, str] | None = None  # of silent rules
        #: What each rule says of an event, by its number; of the events that were asked for.
        self.verdicts: dict[int, Report] = {}
        self.logs: deque[LogLine] = deque(maxlen=1000)
        self.reloads: deque[ReloadLine] = deque(maxlen=200)
        self.clock = clock
        self._wall = wall
        self._changed: list[str] = []
        self._last_error: Problem | None = None
        self._seen_bytes = 0
        self._unread: dict[str, Any] | None = None

    def apply(self, report: Report) -> None:
        """Apply one report; kinds that are not shown are ignored."""
        handler = getattr(self, f"_on_{report['report']}", None)
        if handler is not None:
            with self.lock:
                handler(report)

    @property
    def problem(self) -> str | None:
        """What is wrong with the build or the run, in words; None: nothing."""
        return None if self.fault is None else self.fault.text

    def faults(self) -> list[Problem]:
        """Return all that is wrong now: the build or the run, the rules, the producers."""
        found = [] if self.fault is None else [self.fault]
        found += self.rules_faults
        for row in self.producers:
            if row.problem:
                found.append(self._producer_fault(row))
        return found

    def refusals(self) -> list[tuple[str, dict[str, int]]]:
        """Return the events that did not arrive by reason: refused, or silently dropped."""
        kinds = (
            ("refused", {**self.plugin_refused, **self.rejected}),
            ("dropped", {**self.plugin_dropped, **self.dropped}),
        )
        return [(what, counts) for what, counts in kinds if counts]

    def clear_logs(self) -> None:
        """Forget the log lines shown so far."""
        with self.lock:
            self.logs.clear()

    def _producer_fault(self, row: ProducerRow) -> Problem:
        """Return the problem of a producer, with the place that the log gives for it."""
        text = f"producer of {row.event}: {row.problem}"
        about = f"producer of {row.event!r}"
        for line in reversed(self.logs):
            if about in line.text and (place := problem_of_text(line.text).place) is not None:
                return Problem(text, place)
        return Problem(text)

    # ---- rules --------------------------------------------------------------------------------

    def _on_rules(self, report: Report) -> None:
        self.rules_faults = problems_of_rules(report)
        if not report["errors"]:  # else the rules that ran before go on
            self.rules = dict.fromkeys(report.get("rules", ()), 0)
            self.alerts.clear()
            self.explanations = None
            self.verdicts.clear()

    def _on_alert(self, report: Report) -> None:
        rule = str(report["rule"])
        self.rules[rule] = self.rules.get(rule, 0) + 1
        self.alerts.append(AlertLine(str(report["output"]), rule, str(report["priority"]), report))

    def _on_explanations(self, report: Report) -> None:
        self.explanations = dict(report["rules"])

    def _on_event_explanation(self, report: Report) -> None:
        self.verdicts[int(report["number"])] = report

    # ---- builds -------------------------------------------------------------------------------

    def _on_building(self, report: Report) -> None:
        self.status = "building"
        self.building_since = self.clock()
        self._changed = [Path(path).name for path in report["changed"]]

    def _on_build(self, report: Report) -> None:
        self.building_since = None
        line = ReloadLine(self._wall(), self._changed, report["ms"])
        if report["ok"]:
            line.compiled = report["compiled"]
            self.fault = None
            self.status = "starting"
        else:
            self.fault = problem_of_error(report["error"])
            line.problem = self.fault.text
            self.status = "running the last good version" if report["running"] else "not running"
        self.reloads.append(line)

    # ---- the child ----------------------------------------------------------------------------

    def _on_started(self, report: Report) -> None:
        self.run, self.pid = report["run"], report.get("pid")
        self.events, self.metrics, self.fields, self.fields_of = {}, {}, {}, None
        self.delivery, self.source_figures, self.producers = {}, {}, []
        self.seen.clear()
        self._seen_bytes = 0
        self.verdicts.clear()
        self.rejected, self.dropped, self.plugin_refused, self.plugin_dropped = {}, {}, {}, {}
        self._unread = None
        self.opened_at = self._last_error = None
        if self.reloads:
            self.reloads[-1].run = self.run

    def _on_loaded(self, report: Report) -> None:
        self.plugin, self.version = str(report["plugin"]), str(report.get("version") or "")
        self.declared_fields = list(report.get("fields") or ())
        if source := report.get("event_source"):
            self._row(str(source), "source")
        for name in report.get("async_events") or ():
            self._row(str(name), "async event")

    def _on_open(self, report: Report) -> None:
        self.source = str(report.get("source") or "")
        self.opened_at = self.clock()
        self.status = "running"

    def _on_event(self, report: Report) -> None:
        size = min(int(report.get("size") or 0), _SEEN_BYTES)
        self.seen.append(SeenEvent(report))
        self._seen_bytes += size
        while len(self.seen) > _SEEN_EVENTS or self._seen_bytes > _SEEN_BYTES:
            gone = self.seen.popleft().report
            self._seen_bytes -= min(int(gone.get("size") or 0), _SEEN_BYTES)
        self._take_fields(report)
        if report.get("code") == _PLUGIN_EVENT:
            text = str(report.get("text") or report.get("data") or "")
            self._row(self.source or "events", "source").last_data = text

    def _on_stats(self, report: Report) -> None:
        now, elapsed = self.clock(), float(report["elapsed_ms"])
        figures: dict[str, Any] = dict(report.get("async") or {})
        for name in report.get("system_calls") or {}:
            self._row(name, "system call")
        figures.update(report.get("system_calls") or {})
        plugin_events = report.get("plugin_events") or {}
        last = report.get("last") or {}
        if plugin_events.get("count"):
            name = self.source or "events"
            row = self._row(name, "source")
            text = row.last_data
            # The last event may be another one: an async event has a name.
            if last and not last.get("name") and last.get("code", _PLUGIN_EVENT) == _PLUGIN_EVENT:
                text = str(last.get("text") or last.get("data") or "")
            figures[name] = {**plugin_events, "last_data": text}
        self._take_fields(last)
        for name in figures:
            self._row(name, "async event")
        for name, row in self.events.items():
            row.update(figures.get(name) or {"count": row.count, "bytes": row.bytes}, elapsed, now)
        self.rejected = dict(report.get("rejected") or {})
        self.dropped = dict(report.get("dropped") or {})
        self.rss_kb = int(report.get("rss_kb") or 0)
        self.queued = int(report.get("queued") or 0)

    def _row(self, name: str, kind: RowKind) -> EventRow:
        """Return the row of a name; a new one if there is none."""
        row = self.events.get(name)
        if row is None:
            row = self.events[name] = EventRow(name, kind)
        return row

    def _take_fields(self, event: Report) -> None:
        number = int(event.get("number") or 0)
        if event.get("fields") and number >= (self.fields_of or 0):
            self.fields, self.fields_of = dict(event["fields"]), number

    def _on_metrics(self, report: Report) -> None:
        self._unread = report["metrics"]

    def settle(self) -> None:
        """Read the last metrics, which come more often than anybody looks; with the lock."""
        if self._unread is None:
            return
        metrics, self._unread = dict(self._unread), None
        self.producers = producer_rows(metrics, list(self.events))
        for name, figures in take_producers(metrics, self.producers).items():
            self._row(name, "async event").producer = str(figures)
        taken = {name: metrics.pop(f"async_{name}", None) for name in _COUNTERS}
        self.delivery = {name: int(value) for name, value in taken.items() if value is not None}
        of_source = {name: metrics.pop(f"source_{name}", None) for name in _SOURCE_COUNTERS}
        self.source_figures = {n: int(value) for n, value in of_source.items() if value is not None}
        refused = self.delivery.get("refused", 0)
        self.plugin_refused = {"before the host": refused} if refused else {}
        dropped = ("lost", "discarded", "undelivered")
        self.plugin_dropped = {n: count for n in dropped if (count := self.delivery.get(n, 0))}
        self.metrics = metrics

    def _on_extract_failed(self, report: Report) -> None:
        text = f"fields: event {report['event']}: {report['message']}"
        self.logs.append(LogLine(self._wall(), "error", text))

    def _on_log(self, report: Report) -> None:
        self.logs.append(LogLine(self._wall(), str(report["severity"]), str(report["message"])))

    def _on_error(self, report: Report) -> None:
        problem = problem_of_error(report)
        self.logs.append(LogLine(self._wall(), "error", problem.text))
        self._last_error = problem

    def _on_closed(self, report: Report) -> None:
        if report["reason"] == "error":
            self.fault = self._last_error or self.fault

    def _on_reload(self, report: Report) -> None:
        if self.reloads and self.reloads[-1].run == report["run"]:
            self.reloads[-1].first_event_ms = report["ms"]

    def _on_ended(self, report: Report) -> None:
        self.opened_at = self.pid = None
        self.status = f"ended: {report['status']}"
        if not report["ok"]:
            ended = Problem(f"run {report['run']} ended: {report['status']}")
            self.fault = self._last_error or ended
            if self.reloads and self.reloads[-1].run in {None, report["run"]}:
                self.reloads[-1].problem = f"ended: {report['status']}"
