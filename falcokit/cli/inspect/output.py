# SPDX-License-Identifier: Apache-2.0
"""The outputs of `falcokit inspect`: a terminal, plain text for a pipe, warnings on stderr."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

from falcokit.capture.format.text import safe_text
from falcokit.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from falcokit.capture.format.errors import Notice
    from falcokit.capture.reader import Capture
    from falcokit.cli.inspect.report import Report, Table

__all__ = [
    "reading",
    "report_lines",
    "screen_width",
    "show_report",
    "show_table",
    "table_lines",
    "warn",
]


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
        console.data_lines(report_lines(report))


def show_table(table: Table) -> None:
    """Show all rows of a table, on a terminal cut to its width."""
    width = screen_width()
    if width is None:
        console.data_lines(table_lines(table))
        return
    from falcokit.cli.inspect.events import cut_line  # noqa: PLC0415

    console.data_lines(cut_line(line, width) for line in table_lines(table))


def warn(notices: Iterable[Notice]) -> None:
    """Write to stderr what is wrong with a capture."""
    for notice in notices:
        times = f" ({notice.count} times)" if notice.count > 1 else ""
        where = f" (at byte {notice.offset})" if notice.offset else ""
        console.warning(f"{safe_text(notice.message)}{where}{times}")


def report_lines(report: Report) -> Iterator[str]:
    """Yield the lines of the report."""
    yield report.title
    width = max(len(label) for label, _ in report.facts)
    for label, text in report.facts:
        yield f"  {label:<{width}}  {text}"
    for table in report.tables:
        yield ""
        yield from table_lines(table)


def table_lines(table: Table) -> Iterator[str]:
    """Yield a table's title and rows."""
    yield table.title
    rows = [tuple(column.title for column in table.columns), *table.rows]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:>{width}}" if column.number else f"{cell:<{width}}"
            for cell, width, column in zip(row, widths, table.columns, strict=True)
        ]
        yield "  " + "  ".join(cells).rstrip()


#: Smaller files are read before a bar would be visible.
_LARGE: Final = 64 << 20


@contextlib.contextmanager
def reading(capture: Capture) -> Iterator[None]:
    """Show on a terminal how much of a large file is read; write nothing else inside the block."""
    stderr = sys.stderr
    if stderr is None or not stderr.isatty() or capture.size < _LARGE:
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - 60 ms
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    shown = Console(stderr=True, no_color=not console.has_color(stderr))
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=shown, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as progress:
        task = progress.add_task("", total=capture.size)
        capture.on_read(lambda count: progress.update(task, completed=count))
        try:
            yield
        finally:
            capture.on_read(None)
