# SPDX-License-Identifier: Apache-2.0
"""Payloads of all kinds: none, text, JSON, bytes, and one beyond 64 KiB."""

from __future__ import annotations

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, Plugin

PAYLOADS = [b"", b"hello", {"n": 1}, bytes(range(256)), "hé".encode(), b"long" * 20_000]


class Payloads(Plugin, AsyncEvents):
    async_events = ("tick", "tock")

    def start_async(self, handler: AsyncEventHandler) -> None:
        todo = iter(PAYLOADS * 3)

        def emit() -> None:
            data = next(todo, None)
            if data is not None:
                handler.emit("tick", data)
                handler.emit("tock", data)

        self.task = BackgroundTask.spawn(emit, every=0.005)

    def stop_async(self) -> None:
        self.task.stop()

    def dump_state(self, handler: AsyncEventHandler) -> None:
        handler.emit("tick", b"state")
