# SPDX-License-Identifier: Apache-2.0
"""The captures that bench/captures.py reads: syscall-like and plugin-like, of any size.

Blocks are written directly, so that the measured reader has no part in making its input. Files
are kept in a folder of the temporary folder, by kind and size.
"""

from __future__ import annotations

import gzip
import shutil
import struct
import tempfile
from itertools import count, cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import BinaryIO

__all__ = ["RARE_EVERY", "RARE_TYPE", "gzipped", "plugin_events", "plugin_like", "syscall_like"]

#: One event in so many is of this type.
RARE_EVERY = 10_000
RARE_TYPE = "unlink"

_T0 = 1_700_000_000_000_000_000
_NOT_SET = 2**64 - 1
_SECTION = struct.pack("<IIIHHQI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 2, _NOT_SET, 28)
_MACHINE_BODY = struct.pack("<IQQ128sQQQQ", 4, 1 << 34, 4096, b"bench", _T0, 0, 0, 0)
_MACHINE = struct.pack("<II", 0x201, 192) + _MACHINE_BODY + struct.pack("<I", 192)
_BATCH = RARE_EVERY
_PLUGIN_BATCH = 128
_PLUGIN_BYTES = 8192

# Exit events as drivers send them since schema 4: code, lengths of the parameters, the parameters.
_CLOSE = (5, "2H", (8, 8), struct.pack("<2q", 0, 3))
_READ = (7, "4H", (8, 16, 8, 4), struct.pack("<q16sqI", 16, b"0123456789abcdef", 3, 4096))
_WAIT = (79, "2H", (8, 8), struct.pack("<2q", 1, 32))
_WRITE = (9, "4H", (8, 8, 8, 4), struct.pack("<q8sqI", 8, b"01234567", 3, 8))
_UNLINK = (301, "2H", (8, 10), struct.pack("<q10s", 0, b"/tmp/file"))


def syscall_like(size: int) -> Path:
    """Return a capture of `size` bytes at least, of system calls in blocks of 66 bytes."""
    return _cached(f"syscalls-{size}.scap", lambda file: _write(file, size, _syscalls()))


def plugin_like(size: int) -> Path:
    """Return a capture of `size` bytes at least, of plugin events of 8 kB."""
    return _cached(f"plugin-{size}.scap", lambda file: _write(file, size, _plugin_events()))


def gzipped(path: Path) -> Path:
    """Return `path` compressed as the framework's dumper does."""

    def write(file: BinaryIO) -> None:
        with path.open("rb") as plain, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            shutil.copyfileobj(plain, packed, 1 << 20)

    return _cached(f"{path.stem}.gz.scap", write)


def _cached(name: str, write: Callable[[BinaryIO], None]) -> Path:
    folder = Path(tempfile.gettempdir()) / "falcokit-bench-captures"
    folder.mkdir(exist_ok=True)
    path = folder / name
    if not path.exists():
        making = path.with_suffix(".making")
        with making.open("wb") as file:
            write(file)
        making.rename(path)
    return path


def _write(file: BinaryIO, size: int, batches: Iterator[bytes]) -> None:
    written = file.write(_SECTION + _MACHINE)
    while written < size:
        written += file.write(next(batches))


def _syscalls() -> Iterator[bytes]:
    """Yield batches with one rare event in each."""
    makers = [_maker(*event) for event in (_CLOSE, _READ, _WAIT, _WRITE)]
    rare = _maker(*_UNLINK)
    numbers = count()
    while True:
        usual = zip(cycle(makers), islice(numbers, _BATCH - 1), strict=False)
        yield b"".join([make(n) for make, n in usual] + [rare(next(numbers))])


def _maker(code: int, form: str, lengths: tuple[int, ...], params: bytes) -> Callable[[int], bytes]:
    """Return what packs the block of event n: cpu, time and thread differ."""
    body = struct.calcsize("<HQQIHI" + form) + len(params)
    total = 12 + (body + 3 & ~3)
    pack = struct.Struct(f"<IIHQQIHI{form}{total - 12 - body + len(params)}sI").pack
    head = (0x216, total)
    rest = (body - 2, code, len(lengths), *lengths, params, total)
    return lambda n: pack(*head, n & 3, _T0 + n * 1000, 1000 + n % 100, *rest)


def _plugin_events() -> Iterator[bytes]:
    payload = (b'{"key": "value", "number": 12345}' * (_PLUGIN_BYTES // 32))[:_PLUGIN_BYTES]
    length = 26 + 8 + 4 + len(payload)
    total = 12 + 2 + length + 2
    pack = struct.Struct(f"<IIHQQIHIIII{len(payload)}s2xI").pack
    numbers = count()
    while True:
        yield b"".join(
            pack(0x221, total, 0, _T0 + n * 1000, _NOT_SET, length, 322, 2, 4, len(payload), 7,
                 payload, total)
            for n in islice(numbers, _PLUGIN_BATCH)
        )  # fmt: skip


def plugin_events(name: str, plugin_id: int, payloads: Sequence[bytes], count: int) -> Path:
    """Return a capture of `count` events of a plugin, with these payloads in turn."""

    def write(file: BinaryIO) -> None:
        file.write(_SECTION + _MACHINE)
        for n in range(count):
            payload = payloads[n % len(payloads)]
            length = 26 + 8 + 4 + len(payload)
            padding = -(2 + length) % 4
            total = 12 + 2 + length + padding
            head = struct.pack(
                "<IIHQQIHIIII", 0x221, total, 0, _T0 + n * 1000, _NOT_SET, length, 322, 2, 4,
                len(payload), plugin_id,
            )  # fmt: skip
            file.write(head + payload + bytes(padding) + struct.pack("<I", total))

    return _cached(f"{name}-{count}.scap", write)
