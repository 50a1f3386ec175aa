# SPDX-License-Identifier: Apache-2.0
"""Gives events and emits others as fast as it can, and reads each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    CaptureClosedError,
    Event,
    EventParsing,
    EventSource,
    Plugin,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, EventSource, AsyncEvents, EventParsing):
    plugin_id, event_source = 999, "reopened"
    async_events = ("flood",)
    parse_event_types = (322, 402)

    def open(self, params: str) -> Iterator[bytes]:
        while True:
            yield bytes(1000)

    def start_async(self, handler: AsyncEventHandler) -> None:
        for _ in range(2):
            threading.Thread(target=self.run, args=(handler,)).start()

    def run(self, handler: AsyncEventHandler) -> None:
        try:
            while True:
                handler.emit("flood", b"x")
        except CaptureClosedError:
            pass

    def parse_event(self, event: Event) -> None:
        _ = event.data
