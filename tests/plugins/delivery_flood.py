# SPDX-License-Identifier: Apache-2.0
"""Emits 25,000 events, and logs the counters when it is stopped."""

from __future__ import annotations

import json
import threading

from falcokit import AsyncEventHandler, AsyncEvents, CaptureClosedError, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("flood",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            for n in range(25_000):
                self.handler.emit("flood", str(n))
        except CaptureClosedError:
            pass

    def stop_async(self) -> None:
        self.thread.join()
        self.log.info("counters %s", json.dumps(self.handler.counters._asdict()))
