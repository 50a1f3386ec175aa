# SPDX-License-Identifier: Apache-2.0
"""Reports: JSON objects about the events of a running plugin, each with a "report" key.

The C runner writes most of them; `falcokit.dev.supervisor` adds building, build, started, reload
and ended. docs/cli.md describes each.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from falcokit.errors import ConfigError, FalcokitError, NotAPluginError, PluginFailedError
from falcokit.runner.author_error import document, read_error

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ProducerFigures",
    "ProducerRow",
    "Report",
    "error_object",
    "event_total",
    "exit_status",
    "plugin_failure",
    "producer_rows",
    "take_producers",
]

Report: TypeAlias = dict[str, Any]

_NO_FAULTS: Final = {
    "record": "the events could not be recorded",
    "replay": "the capture could not be replayed",
}
_STATES: Final = ("running", "failing", "waiting", "ended", "stopped")
_WHATS: Final = ("state", "failures_in_row", "failures", "retry_ms")
_OF_PRODUCERS: Final = re.compile(rf"producer_(.+)_({'|'.join(_WHATS)})")
#: What the name of a metric cannot have.
_UNWRITABLE: Final = re.compile(r"[^0-9A-Za-z_]")


class ProducerFigures(NamedTuple):
    """The metrics of one producer, or of the worst of those with the same event."""

    state: str
    failures_in_row: int
    retry_ms: int

    def __str__(self) -> str:
        times = f"failed {self.failures_in_row} time{'s'[: self.failures_in_row != 1]}"
        if self.state == "waiting" and self.failures_in_row:
            return f"{times}, again in {self.retry_ms / 1000:.0f} s"
        if self.state == "waiting":
            return f"returned, again in {self.retry_ms / 1000:.0f} s"
        if self.state == "ended":
            return f"{times}, ended" if self.failures_in_row else "ended"
        return times if self.state == "failing" else ""


class ProducerRow(NamedTuple):
    """What the metrics say of one producer."""

    label: str
    """Its event as metrics write it; if several emit that event, the method's name after it."""
    event: str
    figures: ProducerFigures
    failures: int
    """All so far."""

    @property
    def problem(self) -> str:
        """What is wrong with it; empty: nothing, or it has come to its end."""
        figures = self.figures
        ended = figures.state == "ended" and not figures.failures_in_row
        return "" if ended else str(figures)


def error_object(error: FalcokitError) -> Report:
    """Return an error as a JSON object; `exception` is one of the author's code."""
    own = read_error(error.message)
    file, line = getattr(error, "file", None), getattr(error, "line", None)
    if own is not None and own.place is not None and file is None:
        file, line = own.place.file, own.place.line
    return {
        "exit": error.exit_code,
        "message": error.message,
        "hint": error.hint,
        "file": file,
        "line": line,
        "exception": None if own is None else document(own),
    }


def event_total(stats: Report) -> int:
    """Return the number of events in a stats report, of all kinds together."""
    events = [*stats.get("async", {}).values(), *stats.get("system_calls", {}).values()]
    plugin_events = stats.get("plugin_events") or {}
    return sum(int(event["count"]) for event in events) + int(plugin_events.get("count", 0))


def producer_rows(metrics: dict[str, Any], events: list[str]) -> list[ProducerRow]:
    """Return every producer that a plugin's metrics tell of, in their order."""
    labels: dict[str, dict[str, int]] = {}
    for name, value in metrics.items():
        if match := _OF_PRODUCERS.fullmatch(name):
            labels.setdefault(match[1], {})[match[2]] = int(value)
    written = {_UNWRITABLE.sub("_", event): event for event in events}
    found = []
    for label, values in labels.items():
        # Two producers of one event have the method's name after it: the longest event that fits.
        head = label
        while head and head not in written:
            head = head.rpartition("_")[0]
        figures = ProducerFigures(
            _STATES[min(values.get("state", 0), len(_STATES) - 1)],
            values.get("failures_in_row", 0),
            values.get("retry_ms", 0),
        )
        event = written.get(head, label)
        found.append(ProducerRow(label, event, figures, values.get("failures", 0)))
    return found


def take_producers(
    metrics: dict[str, Any], rows: Iterable[ProducerRow]
) -> dict[str, ProducerFigures]:
    """Remove the producers' metrics from a plugin's metrics, and return the worst by event."""
    found: dict[str, ProducerFigures] = {}
    for row in rows:
        if row.event not in found or _gravity(row.figures) > _gravity(found[row.event]):
            found[row.event] = row.figures
        for what in _WHATS:
            metrics.pop(f"producer_{row.label}_{what}", None)
    return found


def _gravity(figures: ProducerFigures) -> int:
    return ("stopped", "running", "ended", "failing", "waiting").index(figures.state)


def exit_status(returncode: int | None) -> str:
    """Describe how a process ended."""
    if returncode is None:
        return "it did not end"
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = "?"
        return f"killed by signal {-returncode} ({name})"
    return f"exit status {returncode}"


def plugin_failure(
    error: Report | None, returncode: int | None, *, library: str
) -> FalcokitError | None:
    """Return the error that ended a run, or None if it ended normally."""
    if error is not None:
        plugin, phase = error.get("plugin") or library, error.get("phase") or "run"
        text = str(error.get("message") or "").strip() or f"rc {error.get('rc')}, no last error"
        if phase == "load":
            return NotAPluginError(f"{library} cannot be loaded as a plugin: {text}")
        if phase in _NO_FAULTS:  # of the plugin's
            return FalcokitError(f"{_NO_FAULTS[phase]}: {text}")
        if phase == "fields":
            return ConfigError(text)
        # Falco's words say whether it is the plugin, the rules or Falco itself.
        what = (
            "Falco ended with an error"
            if phase == "falco"
            else f"plugin {plugin} failed in {phase}"
        )
        return PluginFailedError(f"{what}: {text}")
    if returncode == 0:
        return None
    return PluginFailedError(
        f"the process of the plugin {library} ended too soon: {exit_status(returncode)}",
        hint="a crash in native code (an extension module, ctypes) ends the host in this way",
    )
