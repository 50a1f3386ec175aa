# SPDX-License-Identifier: Apache-2.0
"""Adds a thread and a field to the table of threads when a capture opens."""

from __future__ import annotations

from falcokit import (
    Capture,
    CaptureListening,
    Event,
    EventParsing,
    Plugin,
    TableEntry,
    added,
    i64,
    import_table,
    u64,
)


class Thread(TableEntry):
    comm: str
    tid: i64
    executed: u64 = added()


class P(Plugin, EventParsing, CaptureListening):
    parse_event_types = ("<execve",)
    threads = import_table("threads", i64, Thread)

    def parse_event(self, event: Event) -> None:
        pass

    def capture_open(self, capture: Capture) -> None:
        before = len(self.threads)
        self.threads.insert(7, comm="sh")
        self.threads[7].executed += 2
        said = [(t.tid, t.comm, t.executed) for t in self.threads]
        self.log.info("said %s %s", before, said)

    def capture_close(self, capture: Capture) -> None:
        pass
