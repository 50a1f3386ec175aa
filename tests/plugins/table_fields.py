# SPDX-License-Identifier: Apache-2.0
"""A field that reads a table, and tries to change it."""

from __future__ import annotations

from falcokit import (
    Event,
    FieldExtraction,
    Plugin,
    TableEntry,
    TableError,
    added,
    field,
    i64,
    import_table,
    u64,
)


class Process(TableEntry):
    comm: str
    score: u64 = added()


class P(Plugin, FieldExtraction):
    extract_event_types = ("<open",)
    extract_event_sources = ("syscall",)
    threads = import_table("threads", i64, Process)

    @field("conform.comm")
    def comm(self, event: Event) -> str | None:
        "The name of the process."
        t = self.threads.get(event.tid or 0)
        assert t is not None
        try:
            t.score = 1
        except TableError as e:
            self.log.info("said %s", e)
        try:
            self.threads.clear()
        except TableError as e:
            self.log.info("also %s", e)
        return t.comm
