# SPDX-License-Identifier: Apache-2.0
"""Rows of results: medians of the runs, the ratio with its spread, the goal beside it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["Row", "show", "to_json"]


@dataclass
class Row:
    """One figure: ours, and the baseline's where there is one, a value for each run."""

    name: str
    unit: str
    ours: list[float]
    baseline: list[float] = field(default_factory=list)
    goal: str = ""
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """Ours over the baseline, run by run."""
        return [o / b for o, b in zip(self.ours, self.baseline, strict=False) if b]


def _number(value: float) -> str:
    for limit, suffix in ((1e6, " M"), (1e4, " k")):
        if value >= limit:
            return f"{value / (1e6 if suffix == ' M' else 1e3):.3g}{suffix}"
    return f"{value:.3g}"


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    return f"{statistics.median(values):.2f} [{min(values):.2f}-{max(values):.2f}]"


def show(rows: list[Row]) -> None:
    """Print the table."""
    table = Table("figure", "unit", "C baseline", "falcokit", "range", "ratio", "goal", box=None)
    for row in rows:
        table.add_row(
            row.name,
            row.unit,
            _number(statistics.median(row.baseline)) if row.baseline else "",
            _number(statistics.median(row.ours)),
            f"{_number(min(row.ours))}-{_number(max(row.ours))}",
            _spread(row.ratios),
            row.goal,
        )
        if row.note:
            table.add_row("  " + row.note)
    Console(width=150).print(table)


def to_json(rows: list[Row]) -> list[dict[str, Any]]:
    """Return the rows for a program."""
    return [{**vars(row), "ratios": row.ratios} for row in rows]
