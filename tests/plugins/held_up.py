# SPDX-License-Identifier: Apache-2.0
"""A parse_event that does not return at the first event; its config says in what way."""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING

import msgspec

from falcokit import Event, EventParsing, EventSource, Metric, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class Config(msgspec.Struct):
    how: str = ""


class P(Plugin, EventSource, EventParsing):
    plugin_id, event_source = 999, "conform"
    parse_event_types = (322,)
    config: Config

    def init(self) -> None:
        self.parsed = self.cleaned = 0

    def open(self, params: str) -> Iterator[bytes]:
        yield b"first"
        for _ in range(2000):
            yield b"other"

    def parse_event(self, event: Event) -> None:
        self.parsed += 1
        if event.data != b"first":
            return
        try:
            getattr(self, self.config.how)()
        finally:
            self.cleaned += 1

    def loop(self) -> None:
        while True: pass  # fmt: skip  # noqa: E701  # one line, wherever it is interrupted

    def swallow(self) -> None:
        while True:
            try:  # noqa: SIM105
                time.sleep(0.01)  # swallow
            except Exception:
                pass

    def sleep_long(self) -> None:
        time.sleep(8)

    def keep_the_gil(self) -> None:
        ctypes.PyDLL(None).usleep(9_000_000)

    def get_metrics(self) -> list[Metric]:
        return [Metric("parsed", self.parsed), Metric("cleaned", self.cleaned)]
