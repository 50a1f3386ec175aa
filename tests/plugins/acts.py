# SPDX-License-Identifier: Apache-2.0
"""Does a hostile act in one hook: its config names the act and the hooks that take turns."""

from __future__ import annotations

import itertools
import os
import sys
import time
from typing import TYPE_CHECKING

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Capture,
    CaptureListening,
    Event,
    EventParsing,
    EventSource,
    FieldExtraction,
    Metric,
    Plugin,
    async_event,
    field,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


turns = itertools.count()


class Odd(BaseException):
    pass


def write_to_closed_pipe() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        os.write(write, b"x")
    finally:
        os.close(write)


def fork() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def hang() -> None:
    while True:
        time.sleep(0.05)


def do(act: str) -> None:
    if act == "raise":
        raise ValueError("no")
    if act == "BaseException":
        raise Odd("no")
    if act == "exit":
        sys.exit(3)
    if act == "half a surrogate":
        raise ValueError("half \ud800")
    if act == "100 MB message":
        raise ValueError("x" * 100_000_000)
    if act == "write to a closed pipe":
        write_to_closed_pipe()
    if act == "close descriptors":
        os.closerange(3, 1000)
    if act == "fork":
        fork()
    if act == "hang":
        hang()


class Steps:
    def __init__(self, plugin: P) -> None:
        self.plugin = plugin

    def progress(self) -> float:
        self.plugin.turn("progress")
        return 1.0

    def __iter__(self) -> Iterator[bytes]:
        yield b"first"
        self.plugin.turn("generator")
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            time.sleep(0.01)
            yield b"next"


class P(Plugin, EventSource, AsyncEvents, EventParsing, FieldExtraction, CaptureListening):
    plugin_id, event_source = 999, "acts"
    parse_event_types = (322,)
    config: str
    mine: str | None = None

    def turn(self, hook: str) -> None:
        if self.mine == hook:
            self.mine = None
            do(self.act)

    def next_hook(self) -> None:
        self.mine = self.hooks[next(turns) % len(self.hooks)]

    def init(self) -> None:
        self.act, self.each, hooks = self.config.split(";")
        self.hooks = hooks.split(",")
        if self.each == "state":
            self.next_hook()
        self.turn("init")

    def open(self, params: str) -> Steps:
        if self.each == "capture":
            self.next_hook()
        self.turn("open")
        return Steps(self)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.turn("start_async")

    def capture_open(self, capture: Capture) -> None:
        self.turn("capture_open")
        capture.subscribe(lambda: self.routine(capture))

    def routine(self, capture: Capture) -> bool:
        self.turn("routine")
        return not capture.wait(0.05)

    def set_config(self, config: object) -> None:
        self.turn("set_config")

    def dump_state(self, handler: AsyncEventHandler) -> None:
        self.turn("dump_state")

    def parse_event(self, event: Event) -> None:
        self.turn("parse_event")

    @field("acts.x", desc="d")
    def x(self, event: Event) -> int:
        self.turn("a field")
        return 1

    def event_to_string(self, event: Event) -> str:
        self.turn("event_to_string")
        return "text"

    def get_metrics(self) -> list[Metric]:
        self.turn("get_metrics")
        return []

    @async_event("plain", every=0.05)
    def plain(self) -> None:
        self.turn("producer")

    @async_event("loop", every=0.05)
    async def loop(self) -> None:
        self.turn("async producer")

    def close(self, instance: object) -> None:
        self.turn("close")

    def stop_async(self) -> None:
        self.turn("stop_async")

    def capture_close(self, capture: Capture) -> None:
        self.turn("capture_close")

    def destroy(self) -> None:
        self.turn("destroy")
