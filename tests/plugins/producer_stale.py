# SPDX-License-Identifier: Apache-2.0
"""Producers that emit through the handler of the first capture."""

from __future__ import annotations

from typing import Any

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, Plugin, async_event


class P(Plugin, AsyncEvents):
    first: Any = None

    def start_async(self, handler: AsyncEventHandler) -> None:
        P.first = P.first or handler
        self.task = BackgroundTask.spawn(lambda: P.first.emit("one", b"task"), every=0.001)

    @async_event("one", every=0.002)
    def one(self) -> None:
        P.first.emit("one", b"thread")

    @async_event("two", every=0.002)
    async def two(self) -> None:
        P.first.emit("two", b"loop")

    @async_event("fine", every=0.002)
    def fine(self) -> bytes:
        return b"fine"
