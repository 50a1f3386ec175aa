# SPDX-License-Identifier: Apache-2.0
"""Documents of all sizes, whole and damaged, from all kinds of sources; open params say which."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from falcokit import (
    EventQueue,
    EventSource,
    JsonDocuments,
    Plugin,
    SourceClosedError,
    here,
    path,
    when,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def documents() -> Iterator[object]:
    """Lists that C splits with and without the GIL, and what is no document."""
    for count in (0, 1, 3, 300, 3000):
        whole = json.dumps({"list": [{"t": n, "m": "x" * (n % 50)} for n in range(count)]})
        yield whole.encode()
        yield whole
        yield bytearray(whole.encode())
        yield whole[: len(whole) // 2]
        yield whole.replace('"t": 2', '"t": "two"')
    yield {"t": 5, "m": ["a", 1]}
    yield b""
    yield b"\xff" * 5000


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    documents = JsonDocuments(
        split=when(path("/list").exists(), path("/list").each(), here),
        time=path("/t").as_time("ns"),
        keep=path("/m") != "xxx",
    )

    def open(self, params: str) -> object:
        return {"steps": self.steps, "later": self.later, "queue": self.queue}[params]()

    def steps(self) -> Iterator[object]:
        while True:
            yield from documents()
            yield None

    async def later(self) -> AsyncIterator[object]:
        for document in documents():
            yield document

    def queue(self) -> EventQueue:
        queue = EventQueue(300, overflow="drop")

        def produce() -> None:
            try:
                while True:
                    queue.put_many(documents())
            except SourceClosedError:
                pass

        for _ in range(4):
            threading.Thread(target=produce).start()
        return queue
