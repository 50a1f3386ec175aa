# SPDX-License-Identifier: Apache-2.0
"""Fills the ring in hooks that the host waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Event,
    EventSource,
    Metric,
    Plugin,
    RingFullError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Steps:
    def __init__(self, plugin: P) -> None:
        self.plugin = plugin

    def __iter__(self) -> Iterator[bytes]:
        return iter((b"one",))

    def progress(self) -> float:
        self.plugin.fill("progress")
        return 1.0


class P(Plugin, EventSource, AsyncEvents):
    plugin_id, event_source = 999, "conform"
    async_events = ("big",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler

    def open(self, params: str) -> Steps:
        return Steps(self)

    def fill(self, hook: str) -> None:
        try:
            for _ in range(5000):
                self.handler.emit("big", bytes(10_000))
        except RingFullError as e:
            self.log.warning("%s: %s", hook, e)

    def event_to_string(self, event: Event) -> str:
        if event.name is None:
            self.fill("event_to_string")
        return "text"

    def get_metrics(self) -> list[Metric]:
        self.fill("get_metrics")
        return []
