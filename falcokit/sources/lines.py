# SPDX-License-Identifier: Apache-2.0
"""LineBuffer: bytes in pieces of any size become lines of bounded length."""

from __future__ import annotations

from typing import Final

__all__ = ["MAX_LINE", "LineBuffer"]

#: Bytes of one line that a tool keeps, unless it is told otherwise.
MAX_LINE: Final = 256 * 1024


class LineBuffer:
    """The lines of one stream, without their ends; empty ones are left out.

    Attributes:
        cut: How many lines were longer than `max_line`; what they had beyond is lost.

    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._most = max_line
        self._rest = b""
        self.cutting = False  # the rest of a line whose beginning was given already
        self.cut = 0

    @property
    def waiting(self) -> int:
        """Bytes of a line that has no end yet."""
        return len(self._rest)

    def add(self, data: bytes) -> list[bytes]:
        """Take a piece of the stream, and return the lines that it completes."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if whole and self.cutting:
            self.cutting = False
            del whole[0]
        lines = [self._trimmed(line) for line in whole if line]
        if self.cutting:
            self._rest = b""
        elif len(self._rest) > self._most + 1:  # one for a carriage return
            lines.append(self._trimmed(self._rest))
            self._rest, self.cutting = b"", True
        return [line for line in lines if line]

    def end(self) -> list[bytes]:
        """Return the last line, if the stream ended without a newline."""
        rest, self._rest = self._rest, b""
        cutting, self.cutting = self.cutting, False
        line = b"" if cutting else self._trimmed(rest)
        return [line] if line else []

    def _trimmed(self, line: bytes) -> bytes:
        if line.endswith(b"\r"):
            line = line[:-1]
        if len(line) > self._most:
            self.cut += 1
            return line[: self._most]
        return line
