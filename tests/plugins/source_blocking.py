# SPDX-License-Identifier: Apache-2.0
"""A source that blocks for good until it is closed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from falcokit import EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class Blocking:
    def __init__(self) -> None:
        self.read, self.write = os.pipe()

    def __iter__(self) -> Iterator[bytes]:
        yield b"1"
        yield b"2"
        os.read(self.read, 1)
        yield b"never delivered"

    def close(self) -> None:
        os.write(self.write, b"x")


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"

    def open(self, params: str) -> Blocking:
        return Blocking()
