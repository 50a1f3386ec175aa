# SPDX-License-Identifier: Apache-2.0
"""Sources of all kinds, with events of all sizes; the open params say which."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from falcokit import AsyncEvents, EventQueue, EventSource, Plugin, SourceClosedError, async_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, EventSource, AsyncEvents):
    plugin_id = 999
    event_source = "conform"

    @async_event("tick", every=0.01)
    def tick(self) -> bytes:
        return b"tick"

    def open(self, params: str) -> object:
        if params == "refuse":
            raise ValueError("no")
        return {"steps": self.steps, "later": self.later, "queue": self.queue}[params]()

    def steps(self) -> Iterator[dict[str, object] | bytes | None]:
        while True:
            for n in range(0, 3000, 7):
                yield bytes(n)
            yield bytes(300_000)
            yield bytes(5_000_000)
            yield {"some": ["json", 1]}
            yield None

    async def later(self) -> AsyncIterator[str]:
        for n in range(3000):
            yield "x" * n
        raise ValueError("later was to fail")

    def queue(self) -> EventQueue:
        queue = EventQueue(300, overflow="drop")

        def produce() -> None:
            try:
                while True:
                    queue.put_many(bytes(n) for n in range(300))
                    queue.put(bytes(700_000))
            except SourceClosedError:
                pass

        for _ in range(4):
            threading.Thread(target=produce).start()
        return queue
