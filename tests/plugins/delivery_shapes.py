# SPDX-License-Identifier: Apache-2.0
"""Emits events with names of each length, and up to 39 bytes of data."""

from __future__ import annotations

import json
import threading

from falcokit import AsyncEventHandler, AsyncEvents, CaptureClosedError, Plugin


class P(Plugin, AsyncEvents):
    async_events = tuple(f"n{n}".ljust(n, "x")[:n] for n in range(2, 32))

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        try:
            for name in self.async_events:
                for size in range(40):
                    self.handler.emit(name, bytes(range(size)))
        except CaptureClosedError:
            pass

    def stop_async(self) -> None:
        self.log.info("counters %s", json.dumps(self.handler.counters._asdict()))
