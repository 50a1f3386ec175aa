# SPDX-License-Identifier: Apache-2.0
"""A background task that raises, and one that stops itself."""

from __future__ import annotations

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, Plugin, async_event


class P(Plugin, AsyncEvents):
    async_events = ("one",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.task = BackgroundTask()
        self.task.start(self.work, name="digger")
        self.enough = BackgroundTask()
        self.enough.start(self.stop_itself)

    def work(self) -> None:
        raise ValueError("a stone")

    def stop_itself(self) -> None:
        self.enough.stop()
        self.log.info("stopped by itself")

    @async_event("one", every=0.001)
    def one(self) -> bytes | None:
        threads = (self.task.thread, self.enough.thread)
        ended = not any(thread and thread.is_alive() for thread in threads)
        return b"both have ended" if ended else None

    def stop_async(self) -> None:
        self.enough.stop()
