# SPDX-License-Identifier: Apache-2.0
"""Producers that wait for an hour when the capture ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import AsyncEventHandler, AsyncEvents, Plugin, async_event
from falcokit.runtime.async_event import supervision

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, AsyncEvents):
    def init(self) -> None:
        self.first = supervision._FIRST_PAUSE
        supervision._FIRST_PAUSE = 3600.0  # type: ignore[misc]  # no test waits for the real one

    @async_event("fine", every=0.002)
    def fine(self) -> bytes:
        return b"x"

    @async_event("gone", max_pause=3600)
    def gone(self) -> Iterator[bytes]:
        yield b"x"
        raise ValueError("for long")

    @async_event("gone_too", max_pause=3600)
    async def gone_too(self) -> AsyncIterator[bytes]:
        yield b"x"
        raise ValueError("for long too")

    def stop_async(self) -> None:
        assert {p.state for p in self.tell.producers} >= {"waiting"}

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.tell = handler

    def destroy(self) -> None:
        supervision._FIRST_PAUSE = self.first  # type: ignore[misc]
        self.log.info("at last %s", {p.state for p in self.tell.producers})
