# SPDX-License-Identifier: Apache-2.0
"""Fails with a cause, in the hook that its config names."""

from __future__ import annotations

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Event,
    EventParsing,
    Metric,
    Plugin,
    async_event,
)


class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("one",)
    config: str

    def fail(self, hook: str) -> None:
        if self.config == hook:
            self.look_up()  # fail

    def look_up(self) -> None:
        try:
            {}["user"]  # type: ignore[index]  # the cause
        except KeyError as e:
            raise ValueError("no such user") from e

    def init(self) -> None:
        self.fail("init")

    def destroy(self) -> None:
        self.fail("destroy")

    def get_metrics(self) -> list[Metric]:
        self.fail("get_metrics")
        return []

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        self.fail("start_async")

    def stop_async(self) -> None:
        self.fail("stop_async")

    def parse_event(self, event: Event) -> None:
        self.fail("parse_event")

    @async_event("produced", every=60)
    def produced(self) -> None:
        self.handler.emit("one", b"1")
        self.fail("producer of 'produced'")
