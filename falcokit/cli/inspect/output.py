# SPDX-License-Identifier: Apache-2.0
"""The outputs of `falcokit inspect`: a terminal, a pipe, and warnings on stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from falcokit.capture.format.text import safe_text
from falcokit.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.capture.format.errors import Notice
    from falcokit.cli.inspect.report import Report, Table

__all__ = ["screen_width", "show_report", "show_table", "warn"]


def screen_width() -> int | None:
    """Return the columns of the terminal that stdout is; None for a pipe or a file."""
    if not _is_terminal():
        return None
    import shutil  # noqa: PLC0415 - only for a terminal

    return shutil.get_terminal_size().columns


def _is_terminal() -> bool:
    """Return whether stdout is one; if it is closed, writing to it reports that later."""
    return sys.stdout is not None and sys.stdout.isatty()


def show_report(report: Report) -> None:
    """Show a report: one screen of it on a terminal, all of it elsewhere."""
    if _is_terminal() and os.environ.get("TERM") != "dumb":
        from falcokit.cli.inspect.screen import show  # noqa: PLC0415 - rich costs 60 ms

        show(report)
    else:
        from falcokit.cli.inspect.plain import report_lines  # noqa: PLC0415

        console.data_lines(report_lines(report))


def show_table(table: Table) -> None:
    """Show all rows of a table, on a terminal cut to its width."""
    from falcokit.cli.inspect.plain import table_lines  # noqa: PLC0415

    width = screen_width()
    if width is None:
        console.data_lines(table_lines(table))
        return
    from falcokit.cli.inspect.events import cut_line  # noqa: PLC0415

    console.data_lines(cut_line(line, width) for line in table_lines(table))


def warn(notices: Iterable[Notice]) -> None:
    """Write to stderr what is wrong with a capture."""
    label = console.paint("warning:", "yellow", sys.stderr)
    for notice in notices:
        times = f" ({notice.count} times)" if notice.count > 1 else ""
        where = f" (at byte {notice.offset})" if notice.offset else ""
        console.message(f"{label} {safe_text(notice.message)}{where}{times}")
