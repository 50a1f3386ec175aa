# SPDX-License-Identifier: Apache-2.0
"""Reads and writes a table in the hooks of a capture, and tries it in destroy."""

from __future__ import annotations

from falcokit import (
    Capture,
    CaptureListening,
    Event,
    EventParsing,
    Plugin,
    TableEntry,
    TableError,
    added,
    i64,
    import_table,
    u64,
)


class Process(TableEntry):
    comm: str
    score: u64 = added()


class P(Plugin, EventParsing, CaptureListening):
    parse_event_types = ("<open",)
    threads = import_table("threads", i64, Process)

    def capture_open(self, capture: Capture) -> None:
        self.threads.insert(77777, comm="mine", score=7)
        self.log.info("open %s", [(t.comm, t.score) for t in self.threads])

    def parse_event(self, event: Event) -> None:
        thread = self.threads.get(event.tid or 0)
        assert thread is not None
        self.seen = thread.comm

    def capture_close(self, capture: Capture) -> None:
        self.log.info("close %s %s", self.seen, "curl" in {t.comm for t in self.threads})

    def destroy(self) -> None:
        try:
            self.threads.get(1)
        except TableError as e:
            self.log.info("said %s", e)
