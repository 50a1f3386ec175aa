# SPDX-License-Identifier: Apache-2.0
"""Four threads change one exported table."""

from __future__ import annotations

import threading
from collections.abc import MutableMapping  # noqa: TC003  # an annotation that falcokit reads
from typing import Annotated

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Plugin,
    TableEntry,
    export_table,
    i8,
    i16,
    i64,
    readonly,
    u64,
)


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


class P(Plugin, AsyncEvents):
    async_events = ("one",)
    t = export_table("conform_threads", u64, Hash)

    def start_async(self, handler: AsyncEventHandler) -> None:
        threads = [threading.Thread(target=self.work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        handler.emit("one", f"{len(self.t)} {sum(e.seen for e in self.t.values())}")

    def work(self, me: int) -> None:
        for i in range(2000):
            self.t[me * 10000 + i] = {"seen": 1, "sha256": "x" * (i % 50)}
            if i % 2:
                del self.t[me * 10000 + i]
            assert all(k in self.t or True for k in list(self.t)[:3])
