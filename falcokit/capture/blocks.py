# SPDX-License-Identifier: Apache-2.0
"""The chain of blocks: code, length, body, length again.

`BlockWalk` is the bottom of the reader: it cuts a source into blocks without looking into
them, takes the byte order from each section header, and stops at the first break in the
chain. `reader.Capture` gives the blocks their meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from falcokit.capture.layout import BIG, LITTLE, SECTION_HEADER, SECTION_MAGIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.capture.errors import Notices
    from falcokit.capture.layout import Layout
    from falcokit.capture.sources import Source

__all__ = ["MAX_BLOCK_BYTES", "Block", "BlockWalk"]

#: Code, offset in the inflated stream, body. A plain tuple: one is made for every event.
Block: TypeAlias = tuple[int, int, bytes]

#: Larger blocks are passed over. The format allows 4 GiB and a few KiB of gzip can hold that;
#: the largest seen in real captures, a process list, is below 10 MiB.
MAX_BLOCK_BYTES: Final = 64 * 1024 * 1024

_HEAD_BYTES: Final = 8
_SECTION_HEAD_BYTES: Final = _HEAD_BYTES + 4
_MIN_BLOCK_BYTES: Final = 12


class BlockWalk:
    """Iterates over the blocks of a source; `layout` is that of the current section."""

    def __init__(self, source: Source, notices: Notices) -> None:
        self.layout: Layout = LITTLE
        self._source = source
        self._notices = notices
        self._buffer = b""
        self._at = 0
        self._base = 0  # offset of the buffer's first byte in the inflated stream

    @property
    def offset(self) -> int:
        """How far the walk has come in the inflated stream."""
        return self._base + self._at

    def begins_with_section(self) -> bool:
        """Tell whether the stream starts as a capture does, before walking."""
        return self._fill(_SECTION_HEAD_BYTES) and self._section_layout() is not None

    def start(self) -> bytes:
        """Return what of the first block's head is there, to say what the file is instead."""
        return self._buffer[:_SECTION_HEAD_BYTES]

    def __iter__(self) -> Iterator[Block]:
        while (head := self._next_head()) is not None:
            code, total = head
            offset = self._base + self._at
            if total > MAX_BLOCK_BYTES:
                if not self._pass_over(code, total):
                    return
                continue
            if self._at + total > len(self._buffer) and not self._fill(total):
                self._finish(total)
                return
            at, end = self._at, self._at + total
            if self.layout.u32.unpack_from(self._buffer, end - 4)[0] != total:
                self._break_off(f"the two lengths of a block of {total} bytes differ")
                return
            self._at = end
            yield code, offset, self._buffer[at + _HEAD_BYTES : end - 4]

    def _next_head(self) -> tuple[int, int] | None:
        """Return code and length of the next block; None where the chain ends or breaks."""
        if self._at + _HEAD_BYTES > len(self._buffer) and not self._fill(_HEAD_BYTES):
            self._finish()
            return None
        code, total = self.layout.block.unpack_from(self._buffer, self._at)
        if code == SECTION_HEADER:
            if not self._enter_section():
                return None
            _, total = self.layout.block.unpack_from(self._buffer, self._at)
        if total < _MIN_BLOCK_BYTES:
            self._break_off(f"a block declares the impossible length {total}")
            return None
        return code, total

    def _section_layout(self) -> Layout | None:
        for layout in (LITTLE, BIG):
            code, _ = layout.block.unpack_from(self._buffer, self._at)
            (magic,) = layout.u32.unpack_from(self._buffer, self._at + _HEAD_BYTES)
            if code == SECTION_HEADER and magic == SECTION_MAGIC:
                return layout
        return None

    def _enter_section(self) -> bool:
        if not self._fill(_SECTION_HEAD_BYTES):
            self._finish(_SECTION_HEAD_BYTES)
            return False
        layout = self._section_layout()
        if layout is None:
            self._break_off("a section header lacks its magic number")
            return False
        self.layout = layout
        return True

    def _fill(self, size: int) -> bool:
        """Have `size` bytes from the current position in the buffer, if they exist."""
        pieces = [self._buffer[self._at :]]
        have = len(pieces[0])
        if have >= size:
            return True
        self._base += self._at
        self._at = 0
        while have < size and (piece := self._source.pull()):
            pieces.append(piece)
            have += len(piece)
        self._buffer = b"".join(pieces)
        return have >= size

    def _pass_over(self, code: int, total: int) -> bool:
        """Read on behind a block that is too large to hold, a piece at a time."""
        offset, left = self.offset, total
        while left:
            here = min(left, len(self._buffer) - self._at)
            self._at += here
            left -= here
            if left and not self._fill(1):
                self._cut_short(f"a block of {total} bytes ends after {total - left}", offset)
                return False
        text = f"a block of {total} bytes (code {code:#x}) is too large and was passed over"
        self._notices.add("large-block", text, offset=offset)
        return True

    def _finish(self, wanted: int = _HEAD_BYTES) -> None:
        have = len(self._buffer) - self._at
        if have:
            text = f"the last block ends after {have} of {wanted} bytes"
            self._cut_short(text, self.offset)
        elif self._source.fault:
            self._notices.add("damaged", self._source.fault, offset=self.offset)

    def _cut_short(self, text: str, offset: int) -> None:
        cause = self._source.fault or "is the file truncated?"
        self._notices.add("truncated", f"{text}; {cause}", offset=offset)

    def _break_off(self, reason: str) -> None:
        text = f"{reason}; nothing behind it can be read"
        self._notices.add("damaged", text, offset=self.offset)
