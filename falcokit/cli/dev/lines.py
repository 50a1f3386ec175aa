# SPDX-License-Identifier: Apache-2.0
"""The output of `falcokit dev` where there is no terminal: plain lines.

Statistics go to stdout, one line per event name and second; builds, reloads, log lines and errors
go to stderr.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falcokit.cli import console
from falcokit.cli.failure import show_error
from falcokit.cli.lines import (
    alert_line,
    closed_line,
    counts_line,
    explanation_lines,
    extract_failed_line,
    fields_text,
    indented,
    log_line,
    reasons,
    rules_lines,
)
from falcokit.dev.state import DevState

if TYPE_CHECKING:
    from falcokit.runner.reports import Report

__all__ = ["DevLines"]

_EVERY_MS: Final = 1000.0
_PAYLOAD_LIMIT: Final = 80


class DevLines:
    """Writes a line for each thing that happened, and the statistics once a second."""

    def __init__(self, *, watch: bool) -> None:
        self._state = DevState()
        self._watch = watch
        self._next_ms = _EVERY_MS

    def show(self, report: Report) -> None:
        """Write the lines of one report."""
        self._state.apply(report)
        handler = getattr(self, f"_on_{report['report']}", None)
        if handler is not None:
            handler(report)

    def _on_build(self, report: Report) -> None:
        if report["ok"]:
            how = "compiled" if report["compiled"] else "nothing to compile"
            console.message(f"built in {report['ms']:.0f} ms ({how})")
            return
        if not self._watch:
            return  # the command ends with this error and reports it then
        show_error(report["error"])
        if report["running"]:
            console.message("the last good version keeps running")

    def _on_open(self, report: Report) -> None:
        self._next_ms = _EVERY_MS
        state = self._state
        console.message(
            console.printable(
                f"run {state.run}: {state.plugin} {state.version}, "
                + (
                    f"replaying {report['replay']}"
                    if "replay" in report
                    else f"source {state.source}"
                )
            )
        )

    def _on_stats(self, report: Report) -> None:
        if report["elapsed_ms"] < self._next_ms:
            return
        self._next_ms = report["elapsed_ms"] + _EVERY_MS
        self._state.settle()
        for row in self._state.events.values():
            payload = console.printable(row.last_data, _PAYLOAD_LIMIT)
            name = console.printable(row.name)
            console.data(
                f"{name}: {row.count} events, {row.rate:.1f}/s, {row.byte_rate:.0f} B/s"
                + (f", {row.producer}" if row.producer else "")
                + (f", {payload}" if payload else "")
            )
        if self._state.fields:
            console.data(f"fields: {fields_text(self._state.fields)}")
        for what, counts in self._state.refusals():
            console.data(f"{what}: {reasons(counts)}")

    def _on_reload(self, report: Report) -> None:
        changed = ", ".join(Path(path).name for path in report["changed"])
        what = f"after saving {changed}" if changed else "after the start"
        console.message(f"first event {report['ms']:.0f} ms {what}")

    def _on_alert(self, report: Report) -> None:
        console.data(alert_line(report))

    def _on_rules(self, report: Report) -> None:
        for line in rules_lines(report):
            console.message(line)

    def _on_rule_counts(self, report: Report) -> None:
        console.message(counts_line(report))

    def _on_explanations(self, report: Report) -> None:
        for line in explanation_lines(report):
            console.message(line)

    def _on_log(self, report: Report) -> None:
        console.message(log_line(report))

    def _on_extract_failed(self, report: Report) -> None:
        console.message(extract_failed_line(report))

    def _on_error(self, report: Report) -> None:
        if not self._watch:
            return
        label = console.paint("error:", "red", sys.stderr)
        text = indented(str(report.get("message")))
        console.message(f"{label} {report.get('phase')}: {text}")

    def _on_closed(self, report: Report) -> None:
        console.message(closed_line(report))

    def _on_ended(self, report: Report) -> None:
        console.message(f"run {report['run']} ended: {report['status']}")
