# SPDX-License-Identifier: Apache-2.0
"""Uses the table of another plugin of falcokit, and one of a plugin in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import (
    Event,
    EventParsing,
    Metric,
    Plugin,
    Table,
    TableEntry,
    TableError,
    added,
    i8,
    i64,
    import_table,
    u64,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Child(TableEntry):
    n: i8


class Hash(TableEntry):
    sha256: str
    seen: u64
    note: str
    kids: Table[i64, Child]
    score: u64 = added()
    remark: str = added()


class Row(TableEntry):
    value: u64
    text: str


class P(Plugin, EventParsing):
    parse_event_types = (322,)
    hashes = import_table("hashes", str, Hash)
    rows = import_table("ctable", u64, Row)
    refused = 0

    def parse_event(self, event: Event) -> None:
        entry = self.hashes["/a"]
        entry.seen += 1
        entry.score += 2
        entry.remark = entry.remark[-3:] + "x"
        entry.sha256 = entry.remark
        entry.kids.insert(entry.score, n=1)
        self.hashes.insert(f"/{entry.score}", seen=entry.score)
        if entry.score > 10:
            self.hashes.erase(f"/{entry.score - 10}")
        self.total = sum(e.seen for e in self.hashes)
        for e in self.hashes:
            if e.seen:
                break
        try:
            entry.note = "mine"
        except TableError as e:
            self.refused += str(e).endswith("table 'hashes': field 'note' is read-only")
        row = self.rows[3]
        row.value += 5
        row.text = entry.sha256

    def get_metrics(self) -> Iterator[Metric]:
        yield Metric("refused", self.refused)
        yield Metric("total", self.total)
