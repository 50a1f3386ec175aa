# SPDX-License-Identifier: Apache-2.0
"""Exports a table for bench/tables.py, with or without a CPU-bound thread beside."""

from __future__ import annotations

import threading

import msgspec

from falcokit import EventParsing, Plugin, TableEntry, export_table, u64


class Config(msgspec.Struct):
    busy: bool = False


class Count(TableEntry):
    count: u64
    text: str


class Owner(Plugin, EventParsing):
    version, description, contact = "0.1.0", "Exports a table.", "bench@example.com"
    config: Config
    parse_event_types = (322,)
    table = export_table("ftable", u64, Count)
    stopping = False

    def init(self) -> None:
        self.table[1] = Count(text="one")
        self.thread = threading.Thread(target=self.spin)
        if self.config.busy:
            self.thread.start()

    def spin(self) -> None:
        while not self.stopping:
            sum(range(100))

    def destroy(self) -> None:
        self.stopping = True
        if self.config.busy:
            self.thread.join()

    def parse_event(self, event: object) -> None:
        pass
