# SPDX-License-Identifier: Apache-2.0
"""Events that hold the time before their yield or put."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from falcokit import Event, EventQueue, EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"

    def open(self, params: str) -> object:
        return self.events() if params == "yielded" else self.queued()

    def events(self) -> Iterator[str]:
        for _ in range(300):
            yield str(time.time_ns())

    def queued(self) -> EventQueue:
        queue = EventQueue()
        for _ in range(300):
            queue.put(Event(str(time.time_ns()).encode()))
        queue.end()
        return queue  # Falco has seen none of them yet
