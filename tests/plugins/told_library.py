# SPDX-License-Identifier: Apache-2.0
"""Fails within the standard library, in the hook that its config names."""

from __future__ import annotations

import json

from falcokit import AsyncEventHandler, AsyncEvents, Event, EventParsing, Plugin, async_event


class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("one",)
    config: str

    def fail(self, hook: str) -> None:
        if self.config == hook:
            json.loads("{")  # in the library

    def init(self) -> None:
        self.fail("init")

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler

    def stop_async(self) -> None:
        self.fail("stop_async")

    def parse_event(self, event: Event) -> None:
        self.fail("parse_event")

    @async_event("produced", every=60)
    def produced(self) -> None:
        self.handler.emit("one", b"1")
        self.fail("producer of 'produced'")
