# SPDX-License-Identifier: Apache-2.0
"""Exports a table with fields of every kind, and tells what became of it."""

from __future__ import annotations

from collections.abc import MutableMapping  # noqa: TC003  # an annotation that falcokit reads
from typing import TYPE_CHECKING, Annotated

from falcokit import (
    Event,
    EventParsing,
    Metric,
    Plugin,
    TableEntry,
    export_table,
    i8,
    i16,
    i64,
    readonly,
    u64,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Child(TableEntry):
    n: i8


class Hash(TableEntry):
    sha256: str
    seen: u64 = 7
    ok: bool
    low: Annotated[i16, "lowest"] = -3
    note: Annotated[str, readonly] = "none"
    kids: MutableMapping[i64, Child]

    def twice(self) -> int:
        return self.seen * 2


class P(Plugin, EventParsing):
    parse_event_types = (322,)
    hashes = export_table("hashes", str, Hash)
    config: str  # what /b has seen, if not the most that there is

    def init(self) -> None:
        self.hashes["/a"] = Hash(sha256="abc", seen=1, ok=True, kids={5: {"n": 5}})
        self.hashes["/b"] = {"seen": int(self.config or 2**64 - 1), "low": -32768}
        self.hashes["/c"] = {}

    def parse_event(self, event: Event) -> None:
        pass

    def get_metrics(self) -> Iterator[Metric]:
        yield Metric("entries", len(self.hashes))
        entry = self.hashes.get("/a") or Hash(seen=0, kids={})
        yield Metric("seen", entry.seen)
        yield Metric("kids", len(entry.kids))
