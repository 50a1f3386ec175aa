# SPDX-License-Identifier: Apache-2.0
"""Gives events of bytes as fast as it can: from a generator, or through a queue from a thread."""

from __future__ import annotations

import threading

import msgspec

from falcokit import EventQueue, EventSource, Plugin, SourceClosedError


class Config(msgspec.Struct):
    size: int = 32
    queue: bool = False
    burn: bool = False  # a CPU-bound Python thread beside


class Source(Plugin, EventSource):
    name, version, contact = "source", "0.1.0", "bench@example.com"
    description = "Gives events."
    plugin_id = 998
    event_source = "bench"
    config: Config

    def open(self, params):
        self.going = True
        if self.config.burn:
            threading.Thread(target=self.burn, daemon=True).start()
        data = b"x" * self.config.size
        if not self.config.queue:
            return self.generate(data)
        queue = EventQueue()
        threading.Thread(target=self.produce, args=(queue, data), daemon=True).start()
        return queue

    def generate(self, data):
        while True:
            yield data

    def produce(self, queue, data):
        try:
            while True:
                queue.put(data)
        except SourceClosedError:
            pass

    def burn(self):
        n = 0
        while self.going:
            n = (n * 31 + 7) % 1000003

    def close(self, instance):
        self.going = False
