# SPDX-License-Identifier: Apache-2.0
"""An async producer whose tasks and callbacks exit."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from falcokit import AsyncEvents, Plugin, async_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class P(Plugin, AsyncEvents):
    @async_event("exiting")
    async def exiting(self) -> AsyncIterator[int]:
        for n in range(3):
            self.task = asyncio.create_task(self.away())
            asyncio.get_running_loop().call_soon(sys.exit, "called back")
            await asyncio.sleep(0.001)
            yield n

    async def away(self) -> None:
        sys.exit("away")

    @async_event("other", every=0.005)
    async def other(self) -> bytes:
        return b"x"
