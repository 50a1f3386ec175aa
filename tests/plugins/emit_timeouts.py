# SPDX-License-Identifier: Apache-2.0
"""Emits with a timeout into a ring that nothing is taken from."""

from __future__ import annotations

from typing import Any

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, EmitError, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("big",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler, self.task = handler, BackgroundTask()
        self.task.start(self.work)

    def work(self) -> None:
        wrong: Any = "soon"
        for call in (
            lambda: [self.handler.emit("big", bytes(10_000), timeout=0.05) for n in range(1000)],
            lambda: self.handler.emit_many("big", [bytes(10_000)], timeout=0),
            lambda: self.handler.emit("big", timeout=wrong),
            lambda: self.handler.emit("big", timeout=float("nan")),
        ):
            try:
                call()
            except EmitError as e:
                self.log.warning("%s: %s", type(e).__name__, e)
        self.log.warning("refused %s", self.handler.counters.refused)

    def stop_async(self) -> None:
        self.task.stop()
