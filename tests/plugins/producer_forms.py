# SPDX-License-Identifier: Apache-2.0
"""Producers in all forms that a decorated method can have."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from falcokit import AsyncEvent, AsyncEvents, Plugin, async_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Base(Plugin, AsyncEvents):
    calls = 0

    @async_event("plain", every=0.005)
    def plain(self) -> str | None:
        self.calls += 1
        return f"plain {self.calls}" if self.calls <= 3 else None

    @async_event("overridden", every=0.001)
    def overridden(self) -> bytes | None:
        return b"never"


class P(Base):
    async_events = ("extra",)
    steps = 0

    def overridden(self) -> None:
        pass

    @async_event("generator")
    def generator(self) -> Iterator[object]:
        yield b"bytes"
        yield "str é"
        yield None
        yield {"json": [1, 2.5, None, "x"]}
        yield bytearray(b"bytearray")
        yield memoryview(b"memoryview")

    @async_event("generator_every", every=0.005)
    def generator_every(self) -> Iterator[int]:
        yield from (1, 2, 3)

    @async_event("coroutine")
    async def coroutine(self) -> bytes:
        await asyncio.sleep(0.001)
        return b"once"

    @async_event("coroutine_every", every=0.005)
    async def coroutine_every(self) -> int | None:
        self.steps += 1
        return self.steps if self.steps <= 3 else None

    @async_event("async_generator")
    async def async_generator(self) -> AsyncIterator[int]:
        for n in range(3):
            yield n
            await asyncio.sleep(0.001)

    @async_event("async_generator_every", every=0.005)
    async def async_generator_every(self) -> AsyncIterator[int]:
        for n in range(3):
            yield n

    @async_event("object")
    def object(self) -> Iterator[AsyncEvent]:
        yield AsyncEvent("extra", b"another name")
        yield AsyncEvent("object", {"with": "a time"}, ts_ns=12345)
