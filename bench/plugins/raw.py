# SPDX-License-Identifier: Apache-2.0
"""Measures emission itself, into a host that only counts: logs the rate of each form."""

from __future__ import annotations

import threading
import time

from falcokit import AsyncEvents, Plugin

_COUNT = 1_000_000
_DATA = b"x" * 20


class Raw(Plugin, AsyncEvents):
    name, version, contact = "raw", "0.1.0", "bench@example.com"
    description = "Emits to nobody."
    async_events = ("beat",)

    def start_async(self, handler):
        self.thread = threading.Thread(target=self.measure, args=(handler,), daemon=True)
        self.thread.start()

    def measure(self, handler):
        handler.emit("beat", _DATA)
        time.sleep(11.0)
        handler.emit("beat", _DATA)
        time.sleep(1.5)  # now it is known that this host hands nothing back
        emit, batch, numbers = handler.emit, [_DATA] * 1000, range(_COUNT)
        begin = time.perf_counter()
        for _ in numbers:
            emit("beat", _DATA)
        self.tell("emit", begin)
        begin = time.perf_counter()
        for _ in range(_COUNT // 1000):
            handler.emit_many("beat", batch)
        self.tell("emit_many", begin)
        begin = time.perf_counter()
        for _ in numbers:
            emit("beat", _DATA, direct=True)
        self.tell("direct", begin)

    def tell(self, form, begin):
        self.log.info("%s %.0f", form, _COUNT / (time.perf_counter() - begin))

    def stop_async(self):
        self.thread.join()
