# SPDX-License-Identifier: Apache-2.0
"""Fails in the hook that its config names."""

from __future__ import annotations

from falcokit import AsyncEventHandler, AsyncEvents, Event, EventParsing, Metric, Plugin


class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("one",)
    config: str

    def fail(self, hook: str) -> None:
        if self.config == hook:
            raise ValueError(f"{hook} was to fail")

    def init(self) -> None:
        self.fail("init")

    def destroy(self) -> None:
        self.fail("destroy")

    def set_config(self, config: object) -> None:
        self.fail("set_config")

    def get_metrics(self) -> list[Metric]:
        self.fail("get_metrics")
        return []

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.fail("start_async")
        handler.emit("one", b"1")
        handler.emit("one", b"2")

    def stop_async(self) -> None:
        self.fail("stop_async")

    def dump_state(self, handler: AsyncEventHandler) -> None:
        self.fail("dump_state")

    def parse_event(self, event: Event) -> None:
        self.fail("parse_event")
