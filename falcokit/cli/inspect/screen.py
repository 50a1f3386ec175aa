# SPDX-License-Identifier: Apache-2.0
"""The report on a terminal, within one screen: colour, bars, payloads cut to the width.

Lines are put together as text, never parsed as markup; rich itself honours NO_COLOR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.cli.inspect.report import Report, Table

__all__ = ["show"]

#: Rows that stay, however small the terminal is; a stream table never takes more than the rest.
_MIN_ROWS: Final = 5
_MAX_STREAM_ROWS: Final = 8
_TABLE_FRAME: Final = 3  # empty line, title, column titles
_PROMPT_LINES: Final = 2  # the command above and the prompt below
_BAR_WIDTH: Final = 24
_GAP: Final = 2


def show(report: Report, console: Console | None = None) -> None:
    """Print the report; the last table gets the lines that the others leave."""
    console = console or Console(markup=False, highlight=False, emoji=False)
    lines = list(_facts(report))
    for table in report.tables:
        last = table is report.tables[-1]
        left = console.height - len(lines) - _PROMPT_LINES - _TABLE_FRAME
        lines.extend(_table(table, max(_MIN_ROWS, left) if last else _MAX_STREAM_ROWS))
    for line in lines:
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, no_wrap=True)


def _facts(report: Report) -> Iterator[Text]:
    yield Text(report.title, style="bold")
    width = max(len(label) for label, _ in report.facts)
    for label, text in report.facts:
        yield Text.assemble(" " * _GAP, (f"{label:<{width}}", "cyan"), " " * _GAP, text)
        if label == "Rate" and report.plot:
            yield Text.assemble(" " * (_GAP + width + _GAP), (report.plot, "green"))


def _table(table: Table, limit: int) -> Iterator[Text]:
    shown = len(table.rows) if len(table.rows) <= limit else limit - 1
    rows = table.rows[:shown]
    titles = tuple(column.title for column in table.columns)
    widths = [max(map(cell_len, cells)) for cells in zip(titles, *rows, strict=True)]
    yield Text()
    yield Text(table.title, style="bold")
    yield _row(table, titles, widths, style="dim")
    for at, row in enumerate(rows):
        line = _row(table, row, widths, style="")
        if table.shares:
            line.append(" " * _GAP + "━" * round(table.shares[at] * _BAR_WIDTH), style="cyan")
        yield line
    if shown < len(table.rows):
        more = f"{len(table.rows) - shown} more; a pipe or --json shows all"
        yield Text(" " * _GAP + more, style="dim")


def _row(table: Table, cells: tuple[str, ...], widths: list[int], *, style: str) -> Text:
    line = Text()
    for at, (cell, width, column) in enumerate(zip(cells, widths, table.columns, strict=True)):
        padding = " " * (width - cell_len(cell))
        text = padding + cell if column.number else cell + padding
        last = at == len(cells) - 1
        line.append(" " * _GAP)
        line.append(text.rstrip() if last else text, style=style or ("green" if not at else ""))
    return line
