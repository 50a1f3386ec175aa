# SPDX-License-Identifier: Apache-2.0
"""Gives events while it holds a lock that a field wants; the open params say how."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from falcokit import Event, EventQueue, EventSource, FieldExtraction, Plugin, QueueFullError, field

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, EventSource, FieldExtraction):
    plugin_id, event_source = 999, "hasty"
    lock = threading.Lock()

    def open(self, params: str) -> object:
        self.how = params
        if params in ("generator", "asynchronous"):
            return getattr(self, params)()
        queue = EventQueue(100)
        threading.Thread(target=self.fill, args=(queue,)).start()
        return queue

    def fill(self, queue: EventQueue) -> None:
        try:
            with self.lock:
                if self.how == "put_many":
                    queue.put_many(b"x" for n in range(9000))
                else:
                    for _ in range(9000):
                        queue.put(b"x")
        except QueueFullError as e:
            self.log.warning("let go: %s", e)
        queue.end()

    def generator(self) -> Iterator[bytes]:
        try:
            with self.lock:
                for _ in range(20_000):
                    yield b"x"
        except QueueFullError as e:
            self.log.warning("let go: %s", e)

    async def asynchronous(self) -> AsyncIterator[bytes]:
        try:
            with self.lock:
                for _ in range(20_000):
                    yield b"x"
        except QueueFullError as e:
            self.log.warning("let go: %s", e)

    @field("hasty.x", desc="d")
    def x(self, event: Event) -> int:
        with self.lock:
            return 1
