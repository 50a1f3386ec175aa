# SPDX-License-Identifier: Apache-2.0
"""How two captures differ, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.capture.format.text import safe_text
from falcokit.capture.render.event_document import event_object
from falcokit.cli.inspect.events import event_lines
from falcokit.cli.inspect.report import Report, Table, columns

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event
    from falcokit.capture.summary.compare import Comparison

__all__ = ["diff_object", "diff_report"]


def diff_report(found: Comparison, names: tuple[str, str]) -> Report:
    """Return a comparison as a report."""
    facts = [
        ("First", f"{found.events[0]:,} events"),
        ("Second", f"{found.events[1]:,} events"),
    ]
    if found.differs_at is None:
        so_far = "" if found.complete else " so far"
        facts.append(("Same", f"the same events in the same order{so_far}"))
    else:
        facts.append(("Differ", "the first pair that is not the same:"))
        facts += [("", _line(event)) for event in found.differs_at]
    rows = tuple(
        (
            safe_text(pair.name),
            f"{pair.first:,}",
            f"{pair.second:,}",
            f"{pair.second - pair.first:+,}",
        )
        for pair in found.types
        if pair.first != pair.second
    )
    titles = columns("type", ">first", ">second", ">difference")
    tables = (Table(title="Counts that differ", columns=titles, rows=rows),) if rows else ()
    title = f"{safe_text(names[0])} and {safe_text(names[1])}"
    return Report(title=title, facts=tuple(facts), tables=tables)


def _line(event: Event | None) -> str:
    return "(the end)" if event is None else next(event_lines([event], width=None)).strip()


def diff_object(found: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    """Return a comparison as a document."""
    pair = found.differs_at
    return {
        "version": 1,
        "files": list(names),
        "events": list(found.events),
        "complete": found.complete,
        "same": found.same,
        "differs_at": pair and [None if e is None else event_object(e) for e in pair],
        "types": [
            {"name": p.name, "first": p.first, "second": p.second}
            for p in found.types
            if p.first != p.second
        ],
    }
