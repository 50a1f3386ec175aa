# SPDX-License-Identifier: Apache-2.0
"""A producer at its interval, beside others that wait for long."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from falcokit import AsyncEvents, Plugin, async_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class P(Plugin, AsyncEvents):
    @async_event("tick", every=0.05)
    def tick(self) -> str:
        return str(time.monotonic())

    @async_event("idle_one", every=3600)
    def idle_one(self) -> None:
        return None

    @async_event("idle_too")
    async def idle_too(self) -> None:
        await asyncio.sleep(3600)

    @async_event("idle_three")
    async def idle_three(self) -> AsyncIterator[bytes]:
        try:
            await asyncio.sleep(3600)
        finally:
            self.log.warning("cancelled")
        yield b""
