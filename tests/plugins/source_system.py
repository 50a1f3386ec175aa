# SPDX-License-Identifier: Apache-2.0
"""Whole system events, good and damaged; the open params say which."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from falcokit import Event, EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


def whole(code: int, *params: bytes, lengths: str = "H") -> bytes:
    head = struct.pack("=QQIHI", 1_700_000_000_000_000_000, 77, 0, code, len(params))
    raw = head + b"".join(struct.pack("=" + lengths, len(p)) for p in params) + b"".join(params)
    return raw[:16] + struct.pack("=I", len(raw)) + raw[20:]


class P(Plugin, EventSource):
    def open(self, params: str) -> Iterator[bytes | bytearray | Event]:
        good = whole(4, struct.pack("=q", 3))
        if params == "good":
            yield good
            yield Event.from_bytes(good)
            yield bytearray(good)
        bad = {
            "short": b"hello",
            "length": good + b"x",
            "code": whole(999),
            "params": whole(4, b"x" * 8)[:26] + struct.pack("=H", 999) + b"y" * 8,
            "name": whole(402, b"\0" * 4, b"name", b"", lengths="I"),
            "id": whole(322, b"\0", b"", lengths="I"),
        }
        yield bad[params]
