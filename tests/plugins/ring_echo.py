# SPDX-License-Identifier: Apache-2.0
"""Fills the ring on a thread, and emits more in parse_event."""

from __future__ import annotations

import threading

from falcokit import AsyncEventHandler, AsyncEvents, EmitError, Event, EventParsing, Plugin


class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("flood", "echo")
    parse_event_types = (402,)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            while True:
                self.handler.emit("flood", bytes(2000))
        except EmitError:
            pass

    def parse_event(self, event: Event) -> None:
        if event.name == "flood":
            self.handler.emit_many("echo", [b"1", b"2", b"3"])
