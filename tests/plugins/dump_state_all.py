# SPDX-License-Identifier: Apache-2.0
"""Dumps its state in every form, and emits before and after it."""

from __future__ import annotations

import sys
import time
from typing import Any

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, Event, EventParsing, Plugin


class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("state", "tick")
    parse_event_types = (402,)
    config: str
    parsed = ""

    def init(self) -> None:
        self.live: Any = None

    def start_async(self, handler: AsyncEventHandler) -> None:
        print("start_async", file=sys.stderr)
        self.live = handler
        self.task = BackgroundTask.spawn(lambda: handler.emit("tick", b"t"), every=0.001)

    def stop_async(self) -> None:
        self.task.stop()

    def dump_state(self, handler: AsyncEventHandler) -> None:
        if self.config == "fail":
            raise ValueError("nothing to dump")
        if self.config == "while working":  # the worker has emitted, and goes on to
            before = self.live.counters.emitted
            while self.live.counters.emitted < before + 5:
                time.sleep(0.001)
        for n in range(10):
            handler.emit("state", str(n))
        handler.emit("state", b"timed", ts_ns=77, tid=5, plugin_id=999)
        handler.emit_many("state", [b"many"])
        self.dumper = handler

    def parse_event(self, event: Event) -> None:
        if event.name == "state":
            self.parsed += f" {event.data.decode()}/{event.source}"
            self.log.info("parsed%s", self.parsed)
            print("parsed", event.name, event.data, file=sys.stderr)
