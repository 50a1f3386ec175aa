# SPDX-License-Identifier: Apache-2.0
"""Work of all kinds that sleeps for an hour when the capture closes."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, Plugin, async_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, AsyncEvents):
    async_events = ("begun",)

    def init(self) -> None:
        self.sleep(0.001)
        self.ended: list[str] = []

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        self.task = BackgroundTask()
        self.task.start(lambda: self.hour("task"))
        self.mine = threading.Thread(target=self.hour, args=("thread",))
        self.mine.start()
        self.waiting = threading.Thread(target=self.wait)
        self.waiting.start()
        self.loop = BackgroundTask()
        self.loop.start(lambda: asyncio.run(self.own_loop()))

    def hour(self, name: str) -> None:
        self.handler.emit("begun", name)
        try:
            while True:
                try:  # noqa: SIM105
                    self.sleep(3600)
                except Exception:  # as loops have it
                    pass
        finally:
            self.ended.append(name)

    def wait(self) -> None:
        closing = self.closing
        assert not closing.wait(0.001)
        self.handler.emit("begun", "event")
        assert closing.wait()
        self.ended.append("event")

    @async_event("plain", every=3600)
    def plain(self) -> None:
        self.hour("plain")

    @async_event("generator")
    def generator(self) -> Iterator[None]:
        yield None
        self.hour("generator")

    @async_event("coroutine")
    async def coroutine(self) -> None:
        self.other = asyncio.create_task(self.beside())
        self.handler.emit("begun", "coroutine")
        try:
            await self.sleep(3600)
        finally:
            self.ended.append("coroutine")

    async def beside(self) -> None:
        self.handler.emit("begun", "beside")
        try:
            await self.sleep(3600)
        finally:
            await asyncio.sleep(0.01)  # is cancelled once
            self.ended.append("beside")

    async def own_loop(self) -> None:
        sleeping = asyncio.create_task(self.hour_on_loop())
        await self.closing
        await asyncio.wait([sleeping])
        assert sleeping.cancelled()
        self.ended.append("own loop")

    async def hour_on_loop(self) -> None:
        self.handler.emit("begun", "own loop")
        await self.sleep(3600)

    @async_event("in_thread")
    async def in_thread(self) -> AsyncIterator[None]:
        yield None
        await asyncio.to_thread(self.hour, "in thread")

    @async_event("stubborn")
    async def stubborn(self) -> None:
        self.left = asyncio.create_task(self.fails())
        await self.left

    async def fails(self) -> None:
        self.handler.emit("begun", "stubborn")
        try:
            await asyncio.sleep(3600)
        finally:
            self.ended.append("stubborn")

    def stop_async(self) -> None:
        self.mine.join()
        self.waiting.join()
        self.task.stop()
        self.loop.stop()

    def destroy(self) -> None:
        self.log.warning("ended: %s", ", ".join(sorted(self.ended)))
