# SPDX-License-Identifier: Apache-2.0
"""Works on for a moment after it was asked to stop, and tells whether captures overlap."""

from __future__ import annotations

import time

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("sample_async",)
    working = False
    overlaps = 0

    def start_async(self, handler: AsyncEventHandler) -> None:
        assert not P.working, "start_async while the work of the last capture runs"
        self.handler = handler
        self.task = BackgroundTask()
        self.task.start(self.work)

    def work(self) -> None:
        P.working = True
        while self.task.should_keep_running(0.01):
            self.handler.emit("sample_async", b"hello")
        time.sleep(0.1)
        P.working = False

    def stop_async(self) -> None:
        self.task.stop()
        self.log.warning("stopped while working: %s", P.working)
