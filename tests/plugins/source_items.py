# SPDX-License-Identifier: Apache-2.0
"""Yields everything that an event can be made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import Event, EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"

    def open(self, params: str) -> Iterator[object]:
        yield b"bytes"
        yield bytearray(b"array")
        yield memoryview(b"view")
        yield "text é"
        yield {"a": [1, None]}
        yield 7
        yield Event(b"event", ts_ns=1_700_000_000_000_000_000)
        yield Event(b"event", ts_ns=None)
        yield b""
        yield None
        yield b"last"
