# SPDX-License-Identifier: Apache-2.0
"""Keeps a state that it dumps, and restores it from what a replay parses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import (
    AsyncEvent,
    AsyncEventHandler,
    AsyncEvents,
    Event,
    EventParsing,
    EventSource,
    Plugin,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, EventSource, AsyncEvents, EventParsing):
    plugin_id, event_source = 998, "keeping"
    async_events = ("state", "other")

    def start_async(self, handler: AsyncEventHandler) -> None:
        pass

    def init(self) -> None:
        self.known: dict[str, int] = {}

    def open(self, params: str) -> Iterator[dict[str, int]]:
        yield from ({"n": n} for n in range(3))

    def parse_event(self, event: Event) -> None:
        if event.name is None:
            self.log.info("seen with %s", self.known)
        elif event.name == "state":
            self.known.update(event.json)
            self.log.info("restored %s of %s", self.known, event.source)
        else:
            self.log.info("not for this source: %s", event.source)

    def dump_state(self, handler: AsyncEventHandler) -> None:
        handler.emit("state", {"a": 1})
        handler.emit_many("state", [{"b": 2}])
        handler.emit(AsyncEvent("state", {"c": 3}))
        handler.emit("other", {}, plugin_id=0)
