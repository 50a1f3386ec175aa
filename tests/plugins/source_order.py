# SPDX-License-Identifier: Apache-2.0
"""Sources that tell which hooks had been called at their first step."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from falcokit import AsyncEventHandler, AsyncEvents, Capture, CaptureListening, EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, EventSource, AsyncEvents, CaptureListening):
    plugin_id, event_source = 999, "conform"
    async_events = ("late",)

    def init(self) -> None:
        self.order: list[str] = []
        self.began = threading.Event()

    def open(self, params: str) -> object:
        self.order.append("open")
        return getattr(self, params)()

    def pause(self, hook: str) -> None:
        self.began.wait(0.1)  # gives one that is too early its chance
        self.order.append(hook)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.pause("start_async")

    def capture_open(self, capture: Capture) -> None:
        self.pause("capture_open")

    def begin(self) -> None:
        self.began.set()
        self.order.append("first step")

    def iterator(self) -> Steps:
        return Steps(self)

    def generator(self) -> Iterator[str]:
        self.begin()
        yield " ".join(self.order)

    async def asynchronous(self) -> AsyncIterator[str]:
        self.begin()
        yield " ".join(self.order)


class Steps:
    def __init__(self, plugin: P) -> None:
        self.plugin, self.given = plugin, False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if self.given:
            raise StopIteration
        self.given = True
        self.plugin.begin()
        return " ".join(self.plugin.order)
