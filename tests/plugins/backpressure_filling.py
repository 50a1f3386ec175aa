# SPDX-License-Identifier: Apache-2.0
"""Emits more than there is room for, and tells what became of it."""

from __future__ import annotations

import threading

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, CaptureClosedError, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("tick",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        self.full = threading.Event()
        self.task = BackgroundTask()
        self.task.start(self.work)

    def work(self) -> None:
        try:
            for _ in range(1000):
                self.handler.emit("tick", b"x" * 10_000)
        except CaptureClosedError as e:
            self.log.warning("let go: %s", e)

    def stop_async(self) -> None:
        c = self.handler.counters
        self.log.warning("emitted %d sent %d", c.emitted, c.sent)
        self.task.stop()

    def destroy(self) -> None:
        c = self.handler.counters
        self.log.warning("%d = %d + %d + %d", c.emitted, c.delivered, c.discarded, c.undelivered)
