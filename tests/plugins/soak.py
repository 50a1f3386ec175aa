# SPDX-License-Identifier: Apache-2.0
"""Has every kind of producer, for captures that open and close without end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    BackgroundTask,
    Capture,
    CaptureClosedError,
    CaptureListening,
    Event,
    EventParsing,
    Plugin,
    async_event,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, AsyncEvents, EventParsing, CaptureListening):
    async_events = ("thread", "task")
    parse_event_types = (402,)

    @async_event("call", every=0.0005)
    def call(self) -> bytes:
        return b"x"

    @async_event("steps", every=0.001)
    def steps(self) -> Iterator[int]:
        yield from range(10**9)

    @async_event("loop_call", every=0.001)
    async def loop_call(self) -> str:
        return "text"

    @async_event("loop_steps")
    async def loop_steps(self) -> AsyncIterator[dict[str, object]]:
        while True:
            await asyncio.sleep(0.001)
            yield {"n": 1}

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler, self.stopping = handler, threading.Event()
        self.threads = [threading.Thread(target=self.spam) for _ in range(2)]
        for thread in self.threads:
            thread.start()
        self.task = BackgroundTask.spawn(every=0.001, run=self.once)

    def spam(self) -> None:
        try:
            while not self.stopping.is_set():
                for _ in range(100):
                    self.handler.emit("thread", b"y" * 100)
                self.stopping.wait(0.001)  # room for the others
        except CaptureClosedError:
            pass

    def once(self) -> None:
        with contextlib.suppress(CaptureClosedError):
            self.handler.emit("task", b"z")

    def stop_async(self) -> None:
        self.stopping.set()
        self.task.stop()
        for thread in self.threads:
            thread.join()

    def parse_event(self, event: Event) -> None:
        _ = event.data

    def capture_open(self, capture: Capture) -> None:
        for _ in range(3):
            capture.subscribe(lambda: not capture.wait(0.001))
