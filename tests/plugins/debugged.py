# SPDX-License-Identifier: Apache-2.0
"""Has a hook on each kind of thread: of Python, of falcokit, of the host."""

from __future__ import annotations

from falcokit import AsyncEvents, Event, EventParsing, Plugin, async_event


class P(Plugin, AsyncEvents, EventParsing):
    parse_event_types = (402,)

    def init(self) -> None:
        self.seen = 0

    @async_event("tick", every=0.05)
    def tick(self) -> bytes:
        return b"x"

    def parse_event(self, event: Event) -> None:
        if event.name == "tick":
            self.seen += 1
