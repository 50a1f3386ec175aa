# SPDX-License-Identifier: Apache-2.0
"""Emits events of all kinds from several threads, and from its other hooks."""

from __future__ import annotations

import threading
import time

from falcokit import AsyncEventHandler, AsyncEvents, EmitError, Event, EventParsing, Metric, Plugin


class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("flood", "big", "echo")
    parse_event_types = (402,)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        self.threads = [threading.Thread(target=self.run, args=(handler,)) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self, handler: AsyncEventHandler) -> None:
        try:
            while True:
                handler.emit_many("flood", [b"x" * n for n in range(64)])
                handler.emit("big", bytes(200_000))
                handler.emit("flood", {"some": ["json", 1]}, ts_ns=time.time_ns())
                handler.emit("flood", b"", direct=True)
        except EmitError:
            pass

    def parse_event(self, event: Event) -> None:
        if event.name == "big":
            self.handler.emit("echo", event.data[:10])

    def dump_state(self, handler: AsyncEventHandler) -> None:
        handler.emit_many("flood", [b"state"] * 100)

    def get_metrics(self) -> list[Metric]:
        return [Metric("one", 1), Metric("two", 2.5, "double", monotonic=False)]

    def set_config(self, config: object) -> None:
        raise ValueError("no")
