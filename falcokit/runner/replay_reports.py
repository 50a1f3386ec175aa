# SPDX-License-Identifier: Apache-2.0
"""The reports of a replay: what the runner cannot know of a capture is added to them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import ASYNC_EVENT, PLUGIN_EVENT, event_table
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.render.args import args_text
from falcokit.runner.event_rows import event_of
from falcokit.runner.replay_feed import ReplayFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

    from falcokit.runner.reports import Report

__all__ = ["ReplayReports"]

_OWN: Final = {PLUGIN_EVENT, ASYNC_EVENT}


class ReplayReports:
    """Starts the feed when the runner is ready, and completes its reports."""

    def __init__(
        self, file: Path, speed: float | None, stream: IO[bytes], *, keep: bool = False
    ) -> None:
        """Replay `file`; see ReplayFeed."""
        self._file = file
        self.feed = ReplayFeed(file, speed, stream, keep=keep)

    def take(self, report: Report) -> Iterator[Report]:
        """Complete a report, and yield what is for others."""
        kind = report["report"]
        if kind == "replaying":
            self.feed.start(report)
            return
        if kind == "answered":
            yield {"report": "rows", "rows": [], "stored": self.feed.take_answered()}
            return
        if kind in {"open", "closed"}:
            report["replay"] = str(self._file)
        if kind == "closed":
            report["stored"] = self.feed.count
            # What comes after the last event that the plugin wanted.
            left = self.feed.take_answered(every=True) if report["reason"] == "eof" else []
            if left:
                yield {"report": "rows", "rows": [], "stored": left}
        elif kind == "event" and report["code"] not in _OWN:
            _name(report)
        elif kind == "stats":
            _name_all(report)
        elif kind == "rows":
            report["stored"] = self.feed.take_stored(report["rows"])
        yield report

    def last(self) -> Iterator[Report]:
        """Yield what is left to say when the runner has ended."""
        self.feed.stop()
        for message in self.feed.notices:
            yield {
                "report": "log",
                "severity": "warning",
                "component": None,
                "plugin": self._file.name,
                "message": message,
            }
        if self.feed.error is not None:
            yield {
                "report": "error",
                "phase": "replay",
                "plugin": None,
                "rc": 1,
                "message": self.feed.error.message,
            }


def _name(report: Report) -> None:
    """Add the type of an event and its parameters, as `inspect` shows them without a state."""
    code = report["code"]
    report["type"] = event_table().name(code)
    raw = report.get("data_base64")
    data = base64.b64decode(raw) if raw is not None else str(report.get("data", "")).encode()
    data = data.ljust(report["size"], b"\0")
    count = report.pop("params", 0)
    try:
        event = event_of(
            number=report["number"], ts_ns=report["ts_ns"], tid=report["tid"], code=code,
            count=count, params=data,
        )  # fmt: skip
        report["type"] = event.type
        text = args_text(event)
    except MalformedEventError:
        return
    if text:
        report["text"] = text


def _name_all(report: Report) -> None:
    """Count events by their types instead of their codes."""
    found: dict[str, dict[str, int]] = {}
    for code, figures in report.pop("codes", {}).items():
        total = found.setdefault(event_table().name(int(code)), {"count": 0, "bytes": 0})
        for key, value in figures.items():
            total[key] += value
    if found:
        report["system_calls"] = found
    last: dict[str, Any] = report.get("last") or {}
    code = last.get("code")
    if code is not None and code not in _OWN:
        last["type"] = event_table().name(code)
        last.pop("data", None)
