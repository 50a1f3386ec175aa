# SPDX-License-Identifier: Apache-2.0
"""Emits as fast as it can, or at an even rate; each event carries its time, producer and number."""

from __future__ import annotations

import struct
import threading
import time

import msgspec

from falcokit import AsyncEvents, CaptureClosedError, Plugin


class Config(msgspec.Struct):
    rate: int = 0  # a second and producer; 0: as fast as it can
    many: int = 0  # events per emit_many; 0: emit
    count: int = 0  # stop after so many and log the rate; 0: never
    producers: int = 1
    burn: bool = False  # a CPU-bound Python thread beside
    wait: float = 0.0  # seconds after the first event, before the rest


class Flood(Plugin, AsyncEvents):
    name, version, contact = "flood", "0.1.0", "bench@example.com"
    description = "Floods."
    async_events = ("beat",)
    config: Config

    def start_async(self, handler):
        self.going = True
        self.handler = handler
        work = [(self.produce, (handler, i)) for i in range(self.config.producers)]
        if self.config.burn:
            work.append((self.burn, ()))
        self.threads = [threading.Thread(target=f, args=a, daemon=True) for f, a in work]
        for thread in self.threads:
            thread.start()

    def burn(self):
        n = 0
        while self.going:
            n = (n * 31 + 7) % 1000003

    def produce(self, handler, producer):
        pack, emit = struct.Struct("<QIQ").pack, handler.emit
        clock, wall = time.monotonic_ns, time.time_ns
        config, i = self.config, 0
        try:
            if config.wait:
                emit("beat", pack(wall(), producer, i))
                i += 1
                time.sleep(config.wait)
            begin = clock()
            while self.going and not (config.count and i > config.count):
                if config.many:
                    now = wall()
                    batch = [pack(now, producer, n) for n in range(i, i + config.many)]
                    i += handler.emit_many("beat", batch)
                    continue
                if config.rate:
                    due = begin + i * 1_000_000_000 // config.rate
                    ahead = due - clock()
                    if ahead > 0:
                        time.sleep(ahead / 1e9)
                emit("beat", pack(wall(), producer, i))
                i += 1
            self.log.info("rate %.0f", i * 1e9 / (clock() - begin))
        except CaptureClosedError:
            pass

    def stop_async(self):
        self.going = False
        for thread in self.threads:
            thread.join()
        self.log.info("counters %s", self.handler.counters)
