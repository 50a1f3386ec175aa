# SPDX-License-Identifier: Apache-2.0
"""Gives, and ends with, texts that have half a surrogate pair or NUL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import Event, EventQueue, EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, EventSource):
    plugin_id, event_source = 999, "conform"

    def open(self, params: str) -> object:
        queue = EventQueue() if params else None
        if queue is not None:
            queue.put("queued \udcff")
            queue.end("it failed of \udcff and nul \0 too")
            return queue
        return self.events()

    def events(self) -> Iterator[bytes | dict[str, object] | Event | str]:
        yield "name \udcff\udcfe"
        yield "half \ud800"
        yield Event(b"plain")
        yield {"path \udcff": ["a\udcfe", ("\ud800", 1)], "pair": "\ud83d\ude00"}
        yield b"the last"
        raise ValueError("nul \0 and half \ud800")
