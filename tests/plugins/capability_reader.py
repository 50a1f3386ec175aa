# SPDX-License-Identifier: Apache-2.0
"""Adds a field to another plugin's table, and has it in a field of its own."""

from __future__ import annotations

from falcokit import (
    Event,
    EventParsing,
    FieldExtraction,
    Plugin,
    TableEntry,
    added,
    field,
    import_table,
    u64,
)


class Known(TableEntry):
    samples: u64
    peak: u64
    twice: u64 = added()


class P(Plugin, EventParsing, FieldExtraction):
    contact = "tests@example.com"
    parse_event_types = extract_event_types = ("pluginevent",)
    known = import_table("load_all", str, Known)

    def parse_event(self, event: Event) -> None:
        entry = self.known.get(event.json["host"])
        if entry is not None:
            entry.twice = 2 * entry.samples

    @field("reader.twice", desc="A field of its own in the other plugin's table")
    def twice(self, event: Event) -> int | None:
        entry = self.known.get(event.json["host"])
        return None if entry is None else entry.twice
