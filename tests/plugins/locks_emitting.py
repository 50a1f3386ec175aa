# SPDX-License-Identifier: Apache-2.0
"""Emits while it holds a lock that a hook wants; its config says how, and in which hook."""

from __future__ import annotations

import threading
import time

from falcokit import AsyncEventHandler, AsyncEvents, Event, EventParsing, Plugin, async_event


class P(Plugin, AsyncEvents, EventParsing):
    parse_event_types = (402,)
    async_events = ("flood", "state")
    config: str

    def init(self) -> None:
        self.lock, self.other, self.holding = threading.Lock(), threading.Lock(), threading.Event()
        self.flooded = False

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler

    @async_event("first", every=0.01)
    def flood(self) -> None:
        if self.flooded:
            return
        self.flooded = True
        with self.lock:
            if self.config == "two locks":
                threading.Thread(target=self.between, daemon=True).start()
                self.holding.wait()
            getattr(self, self.config.replace(" ", "_"))()

    def between(self) -> None:
        with self.other:
            self.holding.set()
            with self.lock:
                pass

    def emit(self) -> None:
        for _ in range(3000):
            self.handler.emit("flood", bytes(1000))

    def emit_many(self) -> None:
        self.handler.emit_many("flood", (bytes(1000) for n in range(3000)))

    two_locks = dump_state_waits = emit

    def parse_event(self, event: Event) -> None:
        if event.name == "flood" and self.config != "dump state waits":
            with self.other if self.config == "two locks" else self.lock:
                pass

    def dump_state(self, handler: AsyncEventHandler) -> None:
        if self.config != "dump state waits":
            return
        while not self.flooded:
            time.sleep(0.001)
        with self.lock:
            handler.emit("state", b"whole")
