# SPDX-License-Identifier: Apache-2.0
"""Parses its own events in Python, at a rate, with or without a CPU-bound thread beside."""

from __future__ import annotations

import threading
import time

import msgspec

from falcokit import AsyncEvents, CaptureClosedError, EventParsing, Plugin


class Config(msgspec.Struct):
    rate: int = 20_000
    burn: bool = False


class Parse(Plugin, AsyncEvents, EventParsing):
    name, version, contact = "parse", "0.1.0", "bench@example.com"
    description = "Parses."
    async_events = ("beat",)
    parse_event_types = (402,)
    config: Config

    def start_async(self, handler):
        self.going = True
        self.seen = 0
        work = [threading.Thread(target=self.produce, args=(handler,), daemon=True)]
        if self.config.burn:
            work.append(threading.Thread(target=self.burn, daemon=True))
        self.threads = work
        for thread in work:
            thread.start()

    def burn(self):
        n = 0
        while self.going:
            n = (n * 31 + 7) % 1000003

    def produce(self, handler):
        try:
            while self.going:
                handler.emit_many("beat", [b"x" * 20] * (self.config.rate // 100))
                time.sleep(0.01)
        except CaptureClosedError:
            pass

    def parse_event(self, event):
        self.seen += 1

    def stop_async(self):
        self.going = False
        for thread in self.threads:
            thread.join()
