# SPDX-License-Identifier: Apache-2.0
"""Emits 60,000 numbered events, one by one or many at a time, as its config says."""

from __future__ import annotations

import struct

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, CaptureClosedError, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    config: str

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.task = BackgroundTask()
        self.task.start(lambda: self.work(handler))

    def work(self, handler: AsyncEventHandler) -> None:
        try:
            if self.config == "many":
                for start in range(0, 60_000, 1000):
                    handler.emit_many("tick", (self.data(n) for n in range(start, start + 1000)))
                    if not self.task.should_keep_running(0):
                        return
            else:
                for n in range(60_000):
                    handler.emit("tick", self.data(n))
        except CaptureClosedError:
            pass

    def data(self, n: int) -> bytes:
        return struct.pack("=QIQ", 0, 0, n)

    def stop_async(self) -> None:
        self.task.stop()
