# SPDX-License-Identifier: Apache-2.0
"""Threads that keep every core busy, beside events, fields and producers."""

from __future__ import annotations

import ctypes
import mmap
import struct
import threading
import time
from pathlib import Path

import msgspec

from falcokit import Event, FieldExtraction, Plugin, field

number = struct.Struct("<Q").unpack_from


class Config(msgspec.Struct):
    counter: str
    busy: int


class P(Plugin, FieldExtraction):
    extract_event_sources = ("conform",)
    config: Config

    def init(self) -> None:
        with Path(self.config.counter).open("r+b") as file:
            self.counter = mmap.mmap(file.fileno(), 8)
        for _ in range(self.config.busy):
            threading.Thread(target=self.count, daemon=True).start()

    def count(self) -> None:
        n = 0
        while True:
            n += 1
            self.counter[:] = n.to_bytes(8, "little")

    @field("a.number", desc="d")
    def number(self, event: Event) -> int:
        n: int = number(event.data)[0]
        if n % 1000 == 999:
            raise ValueError("each 1000th")
        if n % 500 == 0:
            time.sleep(1e-5)  # gives the GIL up within the call
        if n % 100 == 0 and (state := ctypes.pythonapi.PyGILState_Ensure()) != 0:
            ctypes.pythonapi.PyGILState_Release(state)  # which it had, as Python sees it
        if n % 10 == 0 and not ctypes.pythonapi.PyGILState_Check():
            return 0
        return n
