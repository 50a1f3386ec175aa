# SPDX-License-Identifier: Apache-2.0
"""The report as plain aligned text, for pipes and files: no colour, no boxes, nothing cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.cli.inspect.report import Report, Table

__all__ = ["report_lines", "table_lines"]


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
