# SPDX-License-Identifier: Apache-2.0
"""The bytes of a capture file, piece by piece: plain, or inflated from gzip.

The first two bytes decide, never the file's name, as in the framework. `blocks.BlockWalk`
pulls pieces and cuts them into blocks. A source never raises for bad content: it hands out
every byte before the fault, then empty pieces, and `fault` says why it ended early.
Memory is bounded by the piece size whatever the compression ratio.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["GZIP_MAGIC", "PIECE_BYTES", "GzipSource", "PlainSource", "Source", "open_source"]

GZIP_MAGIC: Final = b"\x1f\x8b"
#: What one pull returns at most; also what gzip may inflate to in one step.
PIECE_BYTES: Final = 256 * 1024
_GZIP_INPUT_BYTES: Final = 64 * 1024
_GZIP_WINDOW: Final = 31  # zlib: 32 KiB window with gzip header and checksum


class Source(Protocol):
    """Where a block walk gets its bytes."""

    compressed: bool
    fault: str | None

    def pull(self) -> bytes:
        """Return the next piece, empty at the end."""


class PlainSource:
    """An uncompressed file; `start` is what was read to tell the formats apart."""

    compressed = False

    def __init__(self, file: BinaryIO, start: bytes) -> None:
        self._file = file
        self._start = start
        self.fault: str | None = None

    def pull(self) -> bytes:
        """Return the next piece, empty at the end."""
        if self._start:
            piece, self._start = self._start, b""
            return piece
        piece, fault = _read(self._file, PIECE_BYTES)
        self.fault = fault or self.fault
        return piece


class GzipSource:
    """A gzip stream of one or more members, inflated a bounded step at a time."""

    compressed = True

    def __init__(self, file: BinaryIO, start: bytes) -> None:
        self._file = file
        self._pending = start
        self._ended = False
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        self._ready: list[bytes] = []
        self.fault: str | None = None

    def pull(self) -> bytes:
        """Return the next piece, empty at the end."""
        while not self._ended:
            fault: str | None = None
            starved = False
            if not self._pending and not self._inflater.eof:
                self._pending, fault = _read(self._file, _GZIP_INPUT_BYTES)
                starved = not self._pending
            # Also without input: zlib may still hold back a few bytes of output.
            piece = self._step()
            if piece:
                return piece
            if starved and not self._inflater.eof:
                self._end(fault or "the gzip stream is cut short")
        return b""

    def _step(self) -> bytes:
        if self._inflater.eof and not self._next_member():
            return b""
        # zlib drops the output of a call that fails: keep the state from before it.
        before, given = self._inflater.copy(), self._pending
        try:
            piece = self._inflater.decompress(given, PIECE_BYTES)
        except zlib.error as e:
            self._end(f"the gzip stream is corrupt ({_reason(e)})")
            return _salvage(before, given)
        self._pending = self._inflater.unused_data or self._inflater.unconsumed_tail
        return piece

    def _next_member(self) -> bool:
        while len(self._pending) < len(GZIP_MAGIC):
            more, fault = _read(self._file, _GZIP_INPUT_BYTES)
            if not more:
                self._end(fault or ("junk after the gzip stream" if self._pending else None))
                return False
            self._pending += more
        if not self._pending.startswith(GZIP_MAGIC):
            self._end("junk after the gzip stream")
            return False
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        return True

    def _end(self, fault: str | None) -> None:
        self._ended, self._pending, self.fault = True, b"", fault


def open_source(file: BinaryIO) -> Source:
    """Choose the source by the first two bytes of `file`."""
    start, fault = _read(file, PIECE_BYTES)
    while 0 < len(start) < len(GZIP_MAGIC):  # a pipe may hand out single bytes
        more, fault = _read(file, PIECE_BYTES)
        if not more:
            break
        start += more
    kind = GzipSource if start.startswith(GZIP_MAGIC) else PlainSource
    source = kind(file, start)
    source.fault = fault
    return source


def _read(file: BinaryIO, size: int) -> tuple[bytes, str | None]:
    try:
        return file.read(size), None
    except OSError as e:
        return b"", f"reading the file failed ({e.strerror})"


def _reason(error: zlib.error) -> str:
    """Reduce "Error -3 while decompressing data: invalid block type" to its end."""
    return str(error).rpartition(": ")[2]


def _salvage(inflater: zlib._Decompress, given: bytes) -> bytes:
    """Repeat a failed step byte by byte, keeping all output before the faulty byte."""
    output = bytearray()
    try:
        for at in range(len(given)):
            tail = given[at : at + 1]
            while len(output) < PIECE_BYTES:
                part = inflater.decompress(tail, 1)
                output += part
                tail = inflater.unconsumed_tail
                if not part and not tail:
                    break
    except zlib.error:
        pass
    return bytes(output)
