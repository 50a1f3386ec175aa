# SPDX-License-Identifier: Apache-2.0
"""Counts its starts and stops, which fail where its config says so."""

from __future__ import annotations

from falcokit import AsyncEventHandler, AsyncEvents, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("one",)
    config: str
    starts = stops = 0

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.starts += 1
        if "bad start" in self.config and self.starts == 1:
            raise ValueError("the first start was to fail")
        handler.emit("one", f"start {self.starts} stop {self.stops}")

    def stop_async(self) -> None:
        self.stops += 1
        if "bad stop" in self.config:
            raise ValueError("every stop was to fail")
