# SPDX-License-Identifier: Apache-2.0
"""Waits for a thread that never ends when it is stopped."""

from __future__ import annotations

import contextlib
import threading
import time

from falcokit import AsyncEventHandler, AsyncEvents, CaptureClosedError, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("beat",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.thread = threading.Thread(target=self.run, args=(handler,), daemon=True)
        self.thread.start()

    def run(self, handler: AsyncEventHandler) -> None:
        while True:
            with contextlib.suppress(CaptureClosedError):
                handler.emit("beat", b"x")
            time.sleep(0.001)

    def stop_async(self) -> None:
        self.thread.join()  # never ends
