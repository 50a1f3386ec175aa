# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect FILE`: what a capture file holds.

Without options a summary, with -n the first events, with --json one document of both. Called
by `falcokit.cli.app`, which turns errors into messages; what is wrong with a file that can
still be read goes to stderr and leaves the exit code at 0.
"""

from __future__ import annotations

import os
import shutil
import sys
from itertools import islice
from typing import TYPE_CHECKING

from falcokit.capture.reader import open_capture
from falcokit.capture.summarize import Tally
from falcokit.capture.text import safe_text
from falcokit.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from falcokit.capture.errors import Notice
    from falcokit.capture.event import Event
    from falcokit.capture.reader import Capture
    from falcokit.cli.inspect_report import Report

__all__ = ["inspect_command"]


def inspect_command(file: Path, as_json: bool, limit: int | None) -> None:
    """Show the summary of `file`, or its first `limit` events; or what a plugin library is."""
    from falcokit.package.library_facts import is_library_or_artifact  # noqa: PLC0415

    if is_library_or_artifact(file):
        _write_library(file, as_json)
        return
    with open_capture(file) as capture:
        if as_json:
            _write_document(capture, limit)
        elif limit is None:
            _write_summary(capture)
        else:
            _write_events(capture, limit)


def _write_document(capture: Capture, limit: int | None) -> None:
    from falcokit.capture.document import render, summary_object  # noqa: PLC0415 - base64, json

    tally = Tally()
    listed: list[Event] = []
    for event in capture:
        tally.add(event)
        if limit is not None and len(listed) < limit:
            listed.append(event)
    summary = tally.summary(capture)
    console.data(render(summary_object(summary, None if limit is None else listed)))
    _warn(summary.notices)


def _write_summary(capture: Capture) -> None:
    from falcokit.cli.inspect_report import build_report  # noqa: PLC0415 - not for --json

    tally = Tally()
    for event in capture:
        tally.add(event)
    summary = tally.summary(capture)
    _show(build_report(summary))
    _warn(summary.notices)


def _show(report: Report) -> None:
    if _on_screen():
        from falcokit.cli.inspect_screen import show  # noqa: PLC0415 - rich costs 60 ms

        show(report)
    else:
        from falcokit.cli.inspect_plain import report_lines  # noqa: PLC0415

        console.data_lines(report_lines(report))


def _write_library(file: Path, as_json: bool) -> None:
    from falcokit.cli.inspect_library import (  # noqa: PLC0415 - not for captures
        library_object,
        library_report,
        read_library,
    )

    facts = read_library(file)
    if as_json:
        console.json_line(library_object(facts))
    else:
        _show(library_report(facts))


def _write_events(capture: Capture, limit: int) -> None:
    from falcokit.cli.inspect_events import event_lines  # noqa: PLC0415 - not for --json

    width = shutil.get_terminal_size().columns if _on_screen() else None
    console.data_lines(event_lines(islice(capture, limit), width=width))
    _warn(capture.notices)


def _warn(notices: Iterable[Notice]) -> None:
    label = console.paint("warning:", "yellow", sys.stderr)
    for notice in notices:
        times = f" ({notice.count} times)" if notice.count > 1 else ""
        where = f" (at byte {notice.offset})" if notice.offset else ""
        console.message(f"{label} {safe_text(notice.message)}{where}{times}")


def _on_screen() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
