# SPDX-License-Identifier: Apache-2.0
"""Emits through the handler of a capture that has closed, and in destroy."""

from __future__ import annotations

from typing import Any

from falcokit import AsyncEventHandler, AsyncEvents, CaptureClosedError, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    old: Any = None

    def start_async(self, handler: AsyncEventHandler) -> None:
        P.old = P.old or handler
        try:
            self.old.emit("tick", b"first")
        except CaptureClosedError as e:
            handler.emit("tick", f"{e.reason} {e}")

    def destroy(self) -> None:
        try:
            self.old.emit("tick", b"after the end")
        except CaptureClosedError:
            self.log.warning("refused in destroy: %s", self.old.counters.refused)
