# SPDX-License-Identifier: Apache-2.0
"""Recurses too deeply in every hook and on every thread."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    BackgroundTask,
    Event,
    EventSource,
    FieldExtraction,
    InvalidEventError,
    Plugin,
    async_event,
    field,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def nested(depth: int) -> object:
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def compared() -> bool:
    # Not repr: from Python 3.14 on, which goes as deep as the stack, that takes a second.
    return nested(200_000) == nested(200_000)


class Odd:
    def __getattr__(self, name: str) -> Any:
        return getattr(self, name + "x")


class Config(msgspec.Struct):
    limit: int = 0


class P(Plugin, EventSource, FieldExtraction, AsyncEvents):
    plugin_id, event_source = 999, "deep"
    async_events = ("deep",)
    config: Config

    def recurse(self, where: str) -> None:
        if self.config.limit:
            return  # what C code of others does then is not to be prevented
        ways: list[Callable[[], object]] = [compared, lambda: Odd().a]
        for how in ways:
            try:
                how()
            except RecursionError:
                self.told.append(where)

    def init(self) -> None:
        self.told: list[str] = []
        if self.config.limit:
            sys.setrecursionlimit(self.config.limit)
        threading.stack_size(65536)  # of no concern to falcokit's own threads
        self.recurse("init")

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.task = BackgroundTask()
        self.task.start(lambda: self.recurse("task"))
        try:
            handler.emit("deep", nested(200_000))
        except InvalidEventError as e:
            self.log.info("emit: %s", e)
        try:
            _ = Event(b"[" * 200_000).json
        except ValueError as e:
            self.log.info("json: %s", e)

    @async_event("deep", every=60)
    def producer(self) -> None:
        self.recurse("producer")

    @async_event("deep")
    async def loop(self) -> None:
        self.recurse("loop")

    def open(self, params: str) -> Iterator[bytes | None]:
        self.recurse("source")
        end = time.monotonic() + 15
        while len(self.told) < 10 and not self.config.limit and time.monotonic() < end:
            yield None
        self.log.info("told %s", " ".join(sorted(self.told)))
        yield b"x"

    @field("deep.compared", desc="d")
    def compared(self, event: Event) -> bool:
        return compared()

    @field("deep.attribute", desc="d")
    def attribute(self, event: Event) -> str:
        return str(Odd().a)

    @field("deep.none", desc="d")
    def none(self, event: Event) -> str:
        return repr(nested(10))[:3]
