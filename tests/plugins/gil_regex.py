# SPDX-License-Identifier: Apache-2.0
"""A producer whose pattern keeps the GIL for seconds."""

from __future__ import annotations

import re
import time

from falcokit import AsyncEvents, Event, EventParsing, Plugin, async_event


class P(Plugin, AsyncEvents, EventParsing):
    parse_event_types = (322,)

    def parse_event(self, event: Event) -> None:
        pass

    def match(self, n: int) -> float:
        begin = time.thread_time()
        re.match(r"(a+)+$", "a" * n + "b")  # every way to part them
        return time.thread_time() - begin

    @async_event("burn", every=60)
    def burn(self) -> bytes:
        time.sleep(0.5)  # or start_async, on another thread, would have to wait
        n, took = 16, min(self.match(16) for _ in range(5))
        while took < 2:
            n, took = n + 1, took * 2
        self.match(n)
        return b"burnt"
