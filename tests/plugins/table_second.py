# SPDX-License-Identifier: Apache-2.0
"""Imports the table of another plugin, and asks for what is to be refused."""

from __future__ import annotations

from typing import Annotated

from falcokit import (
    Event,
    EventParsing,
    Plugin,
    Table,
    TableEntry,
    TableError,
    added,
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


class Count(TableEntry):
    open_count: u64


class Score(TableEntry):
    score: str = added()


class P(Plugin, EventParsing):
    parse_event_types = ("<open",)
    mine = import_table("mine", u64, Item)

    def init(self) -> None:
        for name, key, fields in (
            ("mine", str, Item),
            ("mine", u64, {"v": str}),
            ("mine", u64, {"w": u64}),
            ("threads", i64, Count),
            ("event_counters", u64, Count),
            ("threads", i64, Score),
            ("threads", i64, {"comm": i64}),
            ("threads", u64, Process),
        ):
            try:
                self.tables.get(name, key, fields)
                self.log.info("refused nothing")
            except TableError as e:
                self.log.info("refused %s", e)

    def parse_event(self, event: Event) -> None:
        pass
