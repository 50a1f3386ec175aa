# SPDX-License-Identifier: Apache-2.0
"""Does not start without the right port in its config."""

from __future__ import annotations

import dataclasses

from falcokit import AsyncEvents, Plugin, async_event


@dataclasses.dataclass
class Config:
    port: int = 0


class Thing(Plugin, AsyncEvents):
    description = "Wants a port."
    contact = "tests@example.com"
    config: Config

    def init(self) -> None:
        if self.config.port != 514:
            raise ValueError(f"no such port: {self.config.port}")

    @async_event("tick", every=0.02)
    def tick(self) -> bytes:
        return b"ticked"
