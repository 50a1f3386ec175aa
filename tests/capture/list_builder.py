# SPDX-License-Identifier: Apache-2.0
"""Finds and builds the list blocks of captures, independent of the reader under test."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

from falcokit.capture.format.errors import Notices
from falcokit.capture.format.layout import BIG, BLOCK_TYPES, LITTLE, BlockKind
from falcokit.capture.lists.descriptors import decode_descriptors
from falcokit.capture.lists.lists import Lists
from falcokit.capture.lists.processes import decode_processes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from falcokit.capture.format.layout import BlockType

LIST_KINDS = {BlockKind.PROCESSES, BlockKind.FDS, BlockKind.INTERFACES, BlockKind.USERS}


def blocks_of(path: Path) -> Iterator[tuple[int, int, bytes, str]]:
    """Code, offset, body and byte order of every block of a sound file."""
    data = path.read_bytes()
    data = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    order = ">" if data[8:12] == bytes.fromhex("1a2b3c4d") else "<"
    at = 0
    while at < len(data):
        code, total = struct.unpack_from(order + "II", data, at)
        assert struct.unpack_from(order + "I", data, at + total - 4) == (total,)
        yield code, at, data[at + 8 : at + total - 4], order
        at += total


def lists_of(path: Path) -> Lists:
    lists = Lists(Notices())
    for code, offset, body, order in blocks_of(path):
        block = BLOCK_TYPES[code]
        if block.kind in LIST_KINDS:
            lists.add(block, body, BIG if order == ">" else LITTLE, offset)
    return lists


def block_type(kind: BlockKind, version: int) -> BlockType:
    return next(b for b in BLOCK_TYPES.values() if (b.kind, b.version) == (kind, version))


class Body:
    """Puts the body of a list together, in either byte order."""

    def __init__(self, *, big_endian: bool = False) -> None:
        self.order = ">" if big_endian else "<"
        self.layout = BIG if big_endian else LITTLE

    def pack(self, form: str, *values: int | bytes) -> bytes:
        return struct.pack(self.order + form, *values)

    def text(self, value: bytes) -> bytes:
        return self.pack("H", len(value)) + value

    def counted(self, record: bytes, *, itself: bool = True) -> bytes:
        """A record behind its length, which counts itself everywhere but in interface lists."""
        return self.pack("I", len(record) + 4 * itself) + record

    def process(self, version: int, tail: bytes = b"") -> bytes:
        """A record of the first eight versions; behind its length in the ninth."""
        parts = [
            (1, self.pack("QQQ", 11, 10, 1)),
            (6, self.pack("Q", 9)),
            (8, self.pack("Q", 8)),
            (1, self.text(b"cat") + self.text(b"/bin/cat")),
            (7, self.text(b"/usr/bin/cat")),
            (1, self.text(b"-n\0file\0") + self.text(b"/home")),
            (1, self.pack("qIII", 1024, 3, 1000, 100)),
            (2, self.pack("IIIQQ", 500, 400, 300, 2, 1)),
            (3, self.text(b"A=1\0B=\xff")),
            (4, self.pack("qq", 5, 4) + self.text(b"cpu=/a\0memory=/b\0")),
            (5, self.text(b"/jail")),
        ]
        record = b"".join(part for since, part in parts if since <= version) + tail
        return self.counted(record) if version == 9 else record

    def fd(self, fd: int, kind: int, payload: bytes, *, version: int = 2) -> bytes:
        record = self.pack("qQB", fd, 77, kind) + payload
        return self.counted(record) if version == 2 else record


def whole(decoding):
    """The records of a decoder, and whether it said that they were all."""
    records = []
    while True:
        try:
            records.append(next(decoding))
        except StopIteration as e:
            return records, e.value


def processes(body: Body, data: bytes, version: int):
    return whole(decode_processes(data, block_type(BlockKind.PROCESSES, version), body.layout))


def descriptors(body: Body, data: bytes, version: int):
    return whole(decode_descriptors(data, block_type(BlockKind.FDS, version), body.layout))
