# SPDX-License-Identifier: Apache-2.0
"""Producers that work for the whole of a capture, and are counted at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from falcokit import AsyncEvents, Plugin, async_event

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, AsyncEvents):
    async_events = ("one",)
    alive = 0

    @async_event("one", every=0.001)
    def produce(self) -> bytes:
        return b"x"

    @async_event("one")
    def more(self) -> Iterator[bytes]:
        P.alive += 1
        try:
            while True:
                time.sleep(0.002)
                yield b"y"
        finally:
            P.alive -= 1

    def destroy(self) -> None:
        self.log.warning("producers left: %d", P.alive)
