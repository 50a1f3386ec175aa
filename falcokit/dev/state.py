# SPDX-License-Identifier: Apache-2.0
"""The current state of `falcokit dev`: counts, rates, logs and reloads, computed from the reports.

The main thread applies each report, and the live screen reads the state on its own thread: both
hold `lock`. It uses no terminal, and only the clock that it is given.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from falcokit.runner.reports import take_producers

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runner.reports import Report

__all__ = ["AlertLine", "DevState", "EventRow", "LogLine", "ReloadLine"]

BUCKET_MS: Final = 500.0
"""One bar of the sparkline."""

_WINDOW: Final = 4
"""Buckets over which a rate is computed; with fewer, one event a second jumps between 0 and 2."""

_HISTORY: Final = 40
_COUNTERS: Final = (
    "emitted", "sent", "delivered", "waiting", "held", "unconfirmed", "lost", "discarded",
    "undelivered", "refused",
)  # fmt: skip
"""The metrics that falcokit's delivery adds to each plugin's metrics, after `async_`."""


@dataclass
class EventRow:
    """One async event name, or the events of the plugin's source."""

    name: str
    count: int = 0
    bytes: int = 0
    rate: float = 0.0
    byte_rate: float = 0.0
    history: deque[float] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    last_data: str = ""
    producer: str = ""  # the problem of its producer; "": none
    last_at: float | None = None
    _marks: deque[tuple[float, int, int]] = field(
        default_factory=lambda: deque([(0.0, 0, 0)], maxlen=_WINDOW)
    )

    def update(self, stats: Report, elapsed_ms: float, now: float) -> None:
        """Apply the figures of a stats report, which count from the start of the run."""
        count, size = int(stats["count"]), int(stats.get("bytes", 0))
        if count != self.count:
            self.last_at = now
        self.count, self.bytes = count, size
        self.last_data = str(stats.get("last_data") or "")
        last_ms, last_count, _ = self._marks[-1]
        if elapsed_ms - last_ms < BUCKET_MS:
            return
        self.history.append((count - last_count) / (elapsed_ms - last_ms) * 1000)
        begin_ms, begin_count, begin_size = self._marks[0]
        self.rate = (count - begin_count) / (elapsed_ms - begin_ms) * 1000
        self.byte_rate = (size - begin_size) / (elapsed_ms - begin_ms) * 1000
        self._marks.append((elapsed_ms, count, size))


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
        self.status = "starting"
        self.rss_kb = 0
        self.opened_at: float | None = None
        self.events: dict[str, EventRow] = {}
        self.metrics: dict[str, Any] = {}
        self.fields: dict[str, Any] = {}
        self.rejected: dict[str, int] = {}
        self.dropped: dict[str, int] = {}
        self.plugin_refused: dict[str, int] = {}
        self.plugin_dropped: dict[str, int] = {}
        self.problem: str | None = None
        self.alerts: deque[AlertLine] = deque(maxlen=50)
        self.rules: dict[str, int] = {}  # alerts by rule
        self.rules_problems: list[str] = []
        self.explanations: dict[str, str] | None = None  # of silent rules, while they are shown
        self.logs: deque[LogLine] = deque(maxlen=200)
        self.reloads: deque[ReloadLine] = deque(maxlen=50)
        self.clock = clock
        self._wall = wall
        self._changed: list[str] = []
        self._last_error: str | None = None

    def apply(self, report: Report) -> None:
        """Apply one report; kinds that are not shown are ignored."""
        handler = getattr(self, f"_on_{report['report']}", None)
        if handler is not None:
            with self.lock:
                handler(report)

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

    def hide_explanations(self) -> bool:
        """Stop showing why rules are silent; return False if that was not shown."""
        with self.lock:
            shown, self.explanations = self.explanations is not None, None
            return shown

    def _on_rules(self, report: Report) -> None:
        self.rules_problems = [
            ":".join(str(found[key]) for key in ("file", "line", "column") if found[key])
            + f": {found['message']}"
            + (f" ({found['hint']})" if found.get("hint") else "")
            + f" [{found['code']}]"
            for found in (*report["errors"], *report["warnings"])
        ]
        if not report["errors"]:  # else the rules that ran before go on
            self.rules = dict.fromkeys(report.get("rules", ()), 0)
            self.alerts.clear()
            self.explanations = None

    def _on_alert(self, report: Report) -> None:
        rule = str(report["rule"])
        self.rules[rule] = self.rules.get(rule, 0) + 1
        self.alerts.append(AlertLine(str(report["output"]), rule, str(report["priority"])))

    def _on_explanations(self, report: Report) -> None:
        self.explanations = dict(report["rules"])

    def _on_building(self, report: Report) -> None:
        self.status = "building"
        self._changed = [Path(path).name for path in report["changed"]]

    def _on_build(self, report: Report) -> None:
        line = ReloadLine(self._wall(), self._changed, report["ms"])
        if report["ok"]:
            line.compiled = report["compiled"]
            self.problem = None
            self.status = "starting"
        else:
            line.problem = self.problem = report["error"]["message"]
            self.status = "running the last good version" if report["running"] else "not running"
        self.reloads.append(line)

    def _on_started(self, report: Report) -> None:
        self.run = report["run"]
        self.events, self.metrics, self.fields = {}, {}, {}
        self.rejected, self.dropped, self.plugin_refused, self.plugin_dropped = {}, {}, {}, {}
        self.opened_at = self._last_error = None
        if self.reloads:
            self.reloads[-1].run = self.run

    def _on_loaded(self, report: Report) -> None:
        self.plugin, self.version = str(report["plugin"]), str(report.get("version") or "")
        source = report.get("event_source")
        for name in [*([source] if source else []), *(report.get("async_events") or ())]:
            self.events.setdefault(name, EventRow(name))

    def _on_open(self, report: Report) -> None:
        self.source = str(report.get("source") or "")
        self.opened_at = self.clock()
        self.status = "running"

    def _on_stats(self, report: Report) -> None:
        now, elapsed = self.clock(), float(report["elapsed_ms"])
        figures: dict[str, Any] = dict(report.get("async") or {})
        figures.update(report.get("system_calls") or {})
        plugin_events = report.get("plugin_events") or {}
        last = report.get("last") or {}
        if plugin_events.get("count"):
            text = str(last.get("text") or last.get("data") or "")
            figures[self.source or "events"] = {**plugin_events, "last_data": text}
        self.fields = dict(last.get("fields") or self.fields)
        for name in {**self.events, **figures}:
            row = self.events.setdefault(name, EventRow(name))
            row.update(figures.get(name) or {"count": row.count, "bytes": row.bytes}, elapsed, now)
        self.rejected = dict(report.get("rejected") or {})
        self.dropped = dict(report.get("dropped") or {})
        self.rss_kb = int(report.get("rss_kb") or 0)

    def _on_metrics(self, report: Report) -> None:
        metrics = dict(report["metrics"])
        producers = take_producers(metrics, list(self.events))
        for name, figures in producers.items():
            self.events.setdefault(name, EventRow(name)).producer = str(figures)
        counters = {name: metrics.pop(f"async_{name}", 0) for name in _COUNTERS}
        self.plugin_refused = {"before the host": n} if (n := counters["refused"]) else {}
        dropped = ("lost", "discarded", "undelivered")
        self.plugin_dropped = {n: counters[n] for n in dropped if counters[n]}
        self.metrics = metrics

    def _on_extract_failed(self, report: Report) -> None:
        text = f"fields: event {report['event']}: {report['message']}"
        self.logs.append(LogLine(self._wall(), "error", text))

    def _on_log(self, report: Report) -> None:
        self.logs.append(LogLine(self._wall(), str(report["severity"]), str(report["message"])))

    def _on_error(self, report: Report) -> None:
        phase, text = report.get("phase"), str(report.get("message"))
        if f"{phase}: " not in text:  # a plugin's own last error mostly names its hook
            text = f"{phase}: {text}"
        self.logs.append(LogLine(self._wall(), "error", text))
        self._last_error = text

    def _on_closed(self, report: Report) -> None:
        if report["reason"] == "error":
            self.problem = self._last_error or self.problem

    def _on_reload(self, report: Report) -> None:
        if self.reloads and self.reloads[-1].run == report["run"]:
            self.reloads[-1].first_event_ms = report["ms"]

    def _on_ended(self, report: Report) -> None:
        self.opened_at = None
        self.status = f"ended: {report['status']}"
        if not report["ok"]:
            self.problem = self._last_error or f"run {report['run']} ended: {report['status']}"
            if self.reloads and self.reloads[-1].run in {None, report["run"]}:
                self.reloads[-1].problem = f"ended: {report['status']}"
