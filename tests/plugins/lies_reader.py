# SPDX-License-Identifier: Apache-2.0
"""Reads all that an event has, in each hook that is given one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Event,
    EventParsing,
    EventSource,
    FieldExtraction,
    Plugin,
    field,
    json_field,
    path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, EventSource, FieldExtraction, EventParsing, AsyncEvents):
    plugin_id = 999
    event_source = "lies"
    async_events = ("never",)
    extract_event_types = (322, 402)
    parse_event_types = (322, 402, "openat")

    def start_async(self, handler: AsyncEventHandler) -> None:
        pass

    def open(self, params: str) -> Iterator[bytes]:
        return iter(())

    def parse_event(self, event: Event) -> None:
        for read in (lambda: event.raw, lambda: event.name, lambda: event.plugin_id):
            with contextlib.suppress(ValueError):
                read()
        _ = event.params if event.type == 307 else event.data

    def event_to_string(self, event: Event) -> str:
        return event.data.hex()

    found = json_field("l.found", "/a", desc="d")
    whole = json_field("l.whole", path("").as_json(), desc="d")

    @field("l.data", desc="d")
    def data(self, event: Event) -> int:
        return len(event.data)

    @field("l.json", desc="d")
    def parsed(self, event: Event) -> str:
        return event.json["a"]  # type: ignore[no-any-return]

    @field("l.params", desc="d")
    def params(self, event: Event) -> str:
        return str(event.params)
