# SPDX-License-Identifier: Apache-2.0
"""Makes parameters of every type from a random source: bytes as a driver could write them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from falcokit.capture.events.event_table import event_table
from falcokit.runtime.event.event_values import INTEGERS, STRINGS

if TYPE_CHECKING:
    import random

    from falcokit.capture.events.event_table import Param

LETTERS = "abcXYZ019_.-"


def some_bytes(param: Param, chance: random.Random) -> bytes | None:
    """Bytes for a parameter, never empty; None where a file cannot hold a sensible value."""
    kind = param.type
    if kind in INTEGERS:
        width = INTEGERS[kind][0]
        return (_number(param, width, chance) % 2 ** (8 * width)).to_bytes(width, "little")
    if kind in STRINGS:
        return chance.choice([_string(chance), b"/" + _string(chance), b"(NULL)\0", b"\0"])
    if kind == "PT_DYN":
        choices = event_table().dynamic_tables[param.dynamic or ""]
        index = chance.randrange(len(choices))
        return bytes([index]) + (some_bytes(choices[index], chance) or b"")
    make = _OTHERS.get(kind)
    return make(chance) if make else None


def _number(param: Param, width: int, chance: random.Random) -> int:
    if param.flags and chance.random() < 0.5:
        table = event_table().flags_tables[param.flags]
        return sum({bits for _, bits in chance.choices(table, k=chance.randint(1, 4))})
    edges = [0, 1, 2, 3, 2 ** (8 * width) - chance.randint(1, 150)]
    return chance.choice([*edges, chance.getrandbits(8 * width), chance.getrandbits(7)])


def _string(chance: random.Random) -> bytes:
    return "".join(chance.choices(LETTERS, k=chance.randint(1, 20))).encode() + b"\0"


def _buffer(chance: random.Random) -> bytes:
    return chance.randbytes(chance.choice([1, 5, 79, 80, 81, 82, 200]))


def _fds(chance: random.Random) -> bytes:
    count = chance.randint(0, 4)
    fds = [(chance.randint(0, 99), chance.randint(-5, 300)) for _ in range(count)]
    return struct.pack("<H", count) + b"".join(struct.pack("<qh", *item) for item in fds)


def _address(chance: random.Random) -> bytes:
    return _socket(chance, ends=1)


def _tuple(chance: random.Random) -> bytes:
    return _socket(chance, ends=2)


def _socket(chance: random.Random, *, ends: int) -> bytes:
    family = chance.choice([0, 1, 2, 10, 10, 16])
    if family == 1:
        return b"\x01" + (chance.randbytes(16) if ends > 1 else b"") + _string(chance)
    size = {2: 4, 10: 16}.get(family)
    if size is None:
        return bytes([family])
    return bytes([family]) + b"".join(_ip(size, chance) + chance.randbytes(2) for _ in range(ends))


def _ip(size: int, chance: random.Random) -> bytes:
    mapped = bytes(10) + b"\xff\xff" + chance.randbytes(4)
    loopback = bytes(size - 1) + b"\1"
    return chance.choice([bytes(size), loopback, mapped[-size:], chance.randbytes(size)])


_OTHERS = {
    "PT_BYTEBUF": _buffer,
    "PT_FDLIST": _fds,
    "PT_SOCKADDR": _address,
    "PT_SOCKTUPLE": _tuple,
}
