# SPDX-License-Identifier: Apache-2.0
"""Producers that each end in their own way; one more tells what state they are in."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from falcokit import AsyncEvent, AsyncEventHandler, AsyncEvents, Plugin, async_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, AsyncEvents):
    async_events = ("states",)

    def init(self) -> None:
        self.runs = dict.fromkeys(("plain", "generator", "coroutine", "async_gen"), 0)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler

    def run(self, name: str, good: bytes) -> bytes:
        self.runs[name] += 1
        if self.runs[name] <= 3:
            raise ValueError(f"{name} fails")
        return good

    @async_event("plain", every=0.002)
    def plain(self) -> bytes | None:
        return self.run("plain", b"well") if self.runs["plain"] < 6 else None

    @async_event("generator", max_pause=0.002)
    def generator(self) -> Iterator[bytes]:
        yield b"begun"
        yield self.run("generator", b"well")
        self.task_wait()

    @async_event("coroutine", max_pause=0.002)
    async def coroutine(self) -> bytes:
        return self.run("coroutine", b"well")

    @async_event("async_gen", max_pause=0.002)
    async def async_gen(self) -> AsyncIterator[bytes]:
        yield b"begun"
        yield self.run("async_gen", b"well")
        await asyncio.sleep(3600)

    @async_event("exiting", max_pause=0.05)
    def exiting(self) -> Iterator[bytes]:
        yield b"begun"
        sys.exit("away")

    @async_event("cancelled", max_pause=0.002)
    async def cancelled(self) -> None:
        raise asyncio.CancelledError("by nobody")

    @async_event("returning")
    def returning(self) -> Iterator[bytes]:
        yield b"once"

    @async_event("async_returning")
    async def async_returning(self) -> AsyncIterator[bytes]:
        yield b"once"

    @async_event("always", restart="always", max_pause=0.05)
    def always(self) -> Iterator[bytes]:
        yield b"again"

    @async_event("never", restart="never")
    def never(self) -> Iterator[bytes]:
        yield b"once"
        raise ValueError("never again")

    @async_event("plain_never", every=0.002, restart="never")
    def plain_never(self) -> None:
        raise ValueError("plain never again")

    @async_event("async_never", every=0.002, restart="never")
    async def async_never(self) -> None:
        raise ValueError("async never again")

    @async_event("slow")
    def slow(self) -> Iterator[bytes]:
        yield b"once"
        raise ValueError("slow to come back")

    def task_wait(self) -> None:
        while self.handler.producers[0].state != "stopped" and not P.over:
            time.sleep(0.002)

    over = False

    def stop_async(self) -> None:
        P.over = True

    @async_event("watch", every=0.002)
    def watch(self) -> AsyncEvent | None:
        states = {p.name: p for p in self.handler.producers}
        if min(self.runs.values()) < 4 or states["slow"].state != "waiting":
            return None
        if any(states[n].state != "ended" for n in ("never", "plain_never", "async_never")):
            return None
        told: dict[str, Any] = {n: [p.state, p.failures, p.error] for n, p in states.items()}
        told["wait"] = (states["slow"].retry_at or 0.0) - time.time()
        return AsyncEvent("states", told)
