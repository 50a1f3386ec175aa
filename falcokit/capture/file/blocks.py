# SPDX-License-Identifier: Apache-2.0
"""The chain of blocks: code, length, body, length again.

`BlockWalk` is the bottom of the reader: it cuts a stream into blocks without looking into
them, takes the byte order from each section header, and stops at the first break in the
chain. `reader.Capture` gives the blocks their meaning, and may have a scanner in C take whole
runs of event blocks out of the buffer.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final, TypeAlias

from falcokit.capture.file.stored_body import HELD_EVENT_BYTES, StoredBody, TemporaryBytes
from falcokit.capture.format.layout import BIG, EVENT_BLOCKS, LITTLE, SECTION_HEADER, SECTION_MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.capture.file.byte_streams import ByteStream
    from falcokit.capture.format.errors import Notices
    from falcokit.capture.format.layout import Layout

__all__ = ["MAX_BLOCK_BYTES", "MAX_EVENT_BYTES", "Block", "BlockWalk"]

#: Code, offset in the inflated stream, body. A plain tuple: one is made for every event.
Block: TypeAlias = tuple[int, int, bytes]

#: Larger blocks are passed over. The format allows 4 GiB and a few KiB of gzip can hold that;
#: the largest list of processes seen in a real capture is below 10 MiB.
MAX_BLOCK_BYTES: Final = 64 * 1024 * 1024
#: For events: a payload of 64 MiB, the maximum of a falcokit plugin, and its headers.
MAX_EVENT_BYTES: Final = 65 * 1024 * 1024

_LARGE_BYTES: Final = 1024 * 1024  # from this size on blocks are not held in memory twice
_HEAD_BYTES: Final = 8
_TRAILER_BYTES: Final = 4
_SECTION_HEAD_BYTES: Final = _HEAD_BYTES + 4
_MIN_BLOCK_BYTES: Final = 12


class BlockWalk:
    """Iterates over the blocks of a stream; `layout` is that of the current section."""

    def __init__(self, stream: ByteStream, notices: Notices) -> None:
        self.layout: Layout = LITTLE
        #: Takes event blocks: given buffer, position in it and offset of its start, it returns
        #: the position that it came to.
        self.scanner: Callable[[bytes, int, int], int] | None = None
        self._stream = stream
        self._notices = notices
        self._buffer = b""
        self._at = 0
        self._base = 0  # offset of the buffer's first byte in the inflated stream
        self._piece = b""  # the last one pulled, and how much of it the buffer has had
        self._taken = 0

    @property
    def offset(self) -> int:
        """The position of the walk in the inflated stream."""
        return self._base + self._at

    def begins_with_section(self) -> bool:
        """Return whether the stream starts with a section header; call it before walking."""
        return self._fill(_SECTION_HEAD_BYTES) and self._section_layout() is not None

    def start(self) -> bytes:
        """Return the first bytes of the stream, to find out what the file is instead."""
        return self._buffer[:_SECTION_HEAD_BYTES]

    def read_ahead(self, wrap: Callable[[ByteStream], ByteStream]) -> None:
        """Replace the stream by the result of `wrap`."""
        self._stream = wrap(self._stream)

    def __iter__(self) -> Iterator[Block]:
        while (head := self._next_head()) is not None:
            code, total = head
            offset = self._base + self._at
            if total > _LARGE_BYTES:
                if total > (MAX_EVENT_BYTES if code in EVENT_BLOCKS else MAX_BLOCK_BYTES):
                    if not self._pass_over(code, total):
                        return
                    continue
                body = self._large_body(code, total)
                if body is None:
                    return
                yield code, offset, body
                continue
            if self._at + total > len(self._buffer):
                if not self._fill(total):
                    self._finish(total)
                    return
                if self.scanner is not None:
                    continue
            at, end = self._at, self._at + total
            if self.layout.u32.unpack_from(self._buffer, end - _TRAILER_BYTES)[0] != total:
                self._break_off(f"the two lengths of a block of {total} bytes differ", offset)
                return
            self._at = end
            yield code, offset, self._buffer[at + _HEAD_BYTES : end - _TRAILER_BYTES]

    def _next_head(self) -> tuple[int, int] | None:
        """Return code and length of the next block; None if the chain ends or breaks."""
        while True:
            if self.scanner is not None:
                self._at = self.scanner(self._buffer, self._at, self._base)
            if self._at + _HEAD_BYTES <= len(self._buffer):
                break
            if not self._fill(_HEAD_BYTES):
                self._finish()
                return None
        code, total = self.layout.block.unpack_from(self._buffer, self._at)
        if code == SECTION_HEADER:
            if not self._enter_section():
                return None
            _, total = self.layout.block.unpack_from(self._buffer, self._at)
        if total < _MIN_BLOCK_BYTES:
            self._break_off(f"a block declares the impossible length {total}", self.offset)
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
            self._break_off("a section header lacks its magic number", self.offset)
            return False
        self.layout = layout
        return True

    def _fill(self, size: int) -> bool:
        """Ensure that the buffer has `size` bytes from the current position, if they exist.

        Only a block that spans two pieces is assembled; nothing else is copied.
        """
        have = len(self._buffer) - self._at
        if have >= size:
            return True
        if not have:
            if self._taken == len(self._piece):
                self._piece, self._taken = self._stream.pull(), 0
            self._base, self._at = self.offset - self._taken, self._taken
            self._buffer, self._taken = self._piece, len(self._piece)
            have = len(self._buffer) - self._at
        parts = [self._buffer[self._at :]] if have < size else []
        try:
            while have < size and (more := self._next_part(size - have)):
                parts.append(more)
                have += len(more)
        finally:  # no piece is lost when a wait for more is interrupted
            if parts:
                self._base, self._at = self.offset, 0
                self._buffer = b"".join(parts)
        return have >= size

    def _next_part(self, size: int) -> bytes:
        if self._taken == len(self._piece):
            self._piece, self._taken = self._stream.pull(), 0
        part = self._piece[self._taken : self._taken + size]
        self._taken += len(part)
        return part

    def _large_body(self, code: int, total: int) -> bytes | None:
        """Collect the body of a large block without holding it twice; None at the end."""
        offset, left = self.offset, total - _MIN_BLOCK_BYTES
        stored = code in EVENT_BLOCKS and total > HELD_EVENT_BYTES
        body = TemporaryBytes() if stored else BytesIO()
        self._at += _HEAD_BYTES
        while left:
            here = self._buffer[self._at : self._at + left]
            body.write(here)
            self._at += len(here)
            left -= len(here)
            if left and not self._fill(1):
                break
        if left or not self._fill(_TRAILER_BYTES):
            have = total - _TRAILER_BYTES - left + len(self._buffer) - self._at
            self._cut_short(f"the last block ends after {have} of {total} bytes", offset)
            return None
        if self.layout.u32.unpack_from(self._buffer, self._at)[0] != total:
            self._break_off(f"the two lengths of a block of {total} bytes differ", offset)
            return None
        self._at += _TRAILER_BYTES
        if isinstance(body, BytesIO):
            return body.getvalue()
        return StoredBody(body, 0, body.size)

    def _pass_over(self, code: int, total: int) -> bool:
        """Skip a block that is too large to hold, a piece at a time."""
        offset, left = self.offset, total
        while left:
            here = min(left, len(self._buffer) - self._at)
            self._at += here
            left -= here
            if left and not self._fill(1):
                self._cut_short(f"a block of {total} bytes ends after {total - left}", offset)
                return False
        text = f"a block of {total} bytes (code {code:#x}) is too large and was skipped"
        self._notices.add("large-block", text, offset=offset)
        return True

    def _finish(self, wanted: int = _HEAD_BYTES) -> None:
        have = len(self._buffer) - self._at
        if have:
            text = f"the last block ends after {have} of {wanted} bytes"
            self._cut_short(text, self.offset)
        elif self._stream.fault:
            self._notices.add("damaged", self._stream.fault, offset=self.offset)

    def _cut_short(self, text: str, offset: int) -> None:
        if self._stream.growing and not self._stream.fault:
            return
        cause = self._stream.fault or "is the file truncated?"
        self._notices.add("truncated", f"{text}; {cause}", offset=offset)

    def _break_off(self, reason: str, offset: int) -> None:
        self._notices.add("damaged", f"{reason}; nothing after it can be read", offset=offset)
