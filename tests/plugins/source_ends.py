# SPDX-License-Identifier: Apache-2.0
"""Sources of all kinds, which tell when they end; the open params say which."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from falcokit import EventQueue, EventSource, Plugin, SourceClosedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"

    def open(self, params: str) -> object:
        self.log.info("open on %s", threading.current_thread().name)
        return {
            "generator": self.steps,
            "async": self.later,
            "queue": self.queue,
            "full": self.full,
            "idle": self.idle,
        }[params]()

    def steps(self) -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
                time.sleep(0.001)
        finally:
            self.log.info("steps ended")

    def full(self) -> Iterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            self.log.info("full ended")

    def idle(self) -> Iterator[bytes | None]:
        try:
            yield b"x"
            while True:
                yield None
        finally:
            self.log.info("idle ended")

    async def later(self) -> AsyncIterator[bytes]:
        try:
            yield b"x"
            task = asyncio.create_task(asyncio.sleep(100))
            await task
        finally:
            await asyncio.sleep(0.01)
            self.log.info("async ended, task cancelled: %s", task.cancelled())

    def queue(self) -> EventQueue:
        queue = EventQueue(10)

        def produce() -> None:
            try:
                while True:
                    queue.put(b"x")
            except SourceClosedError:
                self.log.info("queue ended")

        self.thread = threading.Thread(target=produce)
        self.thread.start()
        return queue

    def close(self, instance: object) -> None:
        if isinstance(instance, EventQueue):
            self.thread.join()
        self.log.info("close of %s", type(instance).__name__)
