# SPDX-License-Identifier: Apache-2.0
"""Follows a log file as it grows, is rotated, and is truncated. Used by the plugin.

Nothing here waits: `read` gives the lines that are there, a piece of the file at a time.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

LINE_MAX = 8192  # bytes; what a line has beyond it is left out
_CHUNK = 65536


class Tail:
    """The lines of one file, each once.

    A file that is renamed away (rotation) is read to its end before the one that has taken its
    name; one that is cut short (truncation, copytruncate) is read again from its start. A line
    counts when its newline is there, or when the file is over.
    """

    def __init__(self, path: str, *, from_start: bool) -> None:
        """Follow `path`; what it holds already is read only with `from_start`."""
        self.path = path
        self.cut = 0  # lines longer than LINE_MAX so far
        self._rest = b""
        self._cutting = False
        self._file = self._open()
        if self._file is not None and not from_start:
            self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def read(self) -> Iterator[str]:
        """Yield the lines that have come since the last call, of all files in between."""
        self._file = self._file or self._open()
        while self._file is not None:
            yield from self._lines(self._file)
            if not self._is_replaced(self._file):
                return
            yield from self._lines(self._file)  # written between the reading and the renaming
            if self._rest:
                yield from self._line(self._rest)
            self.close()
            self._file = self._open()

    def _open(self) -> BinaryIO | None:
        self._rest, self._cutting = b"", False
        try:
            return open(self.path, "rb", buffering=0)
        except FileNotFoundError:
            return None  # between a rotation's two steps, or not there yet

    def _lines(self, file: BinaryIO) -> Iterator[str]:
        if os.fstat(file.fileno()).st_size < file.tell():
            file.seek(0)
            self._rest, self._cutting = b"", False
        while chunk := file.read(_CHUNK):
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            for line in whole:
                yield from self._line(line)
            if len(self._rest) > LINE_MAX:
                yield from self._line(self._rest)
                self._rest, self._cutting = b"", True

    def _line(self, line: bytes) -> Iterator[str]:
        if self._cutting:  # the end of a line whose beginning was given already
            self._cutting = False
            return
        self.cut += len(line) > LINE_MAX
        if line.strip():
            yield line[:LINE_MAX].decode(errors="replace").rstrip("\r")

    def _is_replaced(self, file: BinaryIO) -> bool:
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            return False  # renamed, and nothing has its name yet: it may still be written to
        mine = os.fstat(file.fileno())
        return (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino)
