# SPDX-License-Identifier: Apache-2.0
"""Sources that fail, each in its own way; the open params say how."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from falcokit import EventQueue, EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"

    def open(self, params: str) -> object:
        if params == "closed":
            raise ValueError("open was to fail")
        if params == "wrong":
            return 7
        if params == "nothing":
            return None
        if params == "queue":
            return self.fail_in_queue()
        return (self.later if params == "async" else self.steps)(params)

    def fail_in_queue(self) -> EventQueue:
        queue = EventQueue()
        queue.put_many([b"1", b"2"])
        queue.end("the queue was to fail")
        return queue

    def steps(self, params: str) -> Iterator[object]:
        yield b"1"
        yield b"2"
        if params == "raise":
            raise ValueError("the source was to fail")
        if params == "exit":
            sys.exit("away")
        if params == "bad":
            yield {1, 2}.add

    async def later(self, params: str) -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"
        raise ValueError("later was to fail")
