# SPDX-License-Identifier: Apache-2.0
"""Exports a table, and imports one of the host."""

from __future__ import annotations

from typing import Annotated

from falcokit import (
    Event,
    EventParsing,
    Plugin,
    Table,
    TableEntry,
    added,
    export_table,
    i64,
    import_table,
    u64,
)


class Item(TableEntry):
    v: u64


class Fd(TableEntry):
    name: str


class Process(TableEntry):
    comm: str
    fds: Annotated[Table[i64, Fd], "file_descriptors"]
    score: u64 = added()


class P(Plugin, EventParsing):
    parse_event_types = ("<open",)
    mine = export_table("mine", u64, Item)
    threads = import_table("threads", i64, Process)

    def parse_event(self, event: Event) -> None:
        pass
