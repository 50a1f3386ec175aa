# SPDX-License-Identifier: Apache-2.0
"""Events too large for memory, kept in an unnamed temporary file that is deleted with them.

Code that needs only the start, such as header and lengths of an event, uses it like bytes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Self

from falcokit.capture.format.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HELD_EVENT_BYTES", "StoredBody", "TemporaryBytes", "whole"]

#: Smaller events are held in memory, two at a time, with their parameters: that fits into 100 MB.
HELD_EVENT_BYTES: Final = 8 * 1024 * 1024

#: Bytes that are in memory, which is all that struct and other users of the buffer see.
_START_BYTES: Final = 64 * 1024
_PIECE_BYTES: Final = 1024 * 1024
_CUT_OFF: Final = "the temporary file of an event has been cut off"


class TemporaryBytes:
    """A file without a name, which is deleted with the last reference to it."""

    def __init__(self) -> None:
        """Create it; raise CaptureError if that is impossible."""
        import tempfile  # noqa: PLC0415 - for what hardly any capture has

        try:
            self.descriptor, path = tempfile.mkstemp(prefix="falcokit-")
        except OSError as e:
            raise _no_room(e) from e
        os.unlink(path)  # noqa: PTH108 - without pathlib
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add bytes at the end; raise CaptureError when there is no more room."""
        left = memoryview(data)
        while left:
            try:
                written = os.write(self.descriptor, left)
            except OSError as e:
                raise _no_room(e) from e
            self.size += written
            left = left[written:]

    def __del__(self) -> None:
        """Free the disk space."""
        if hasattr(self, "descriptor"):
            os.close(self.descriptor)


class StoredBody(bytes):
    """Bytes whose length and slices are those of a file, and whose buffer has only its start.

    For internal use: `whole` turns it into ordinary bytes.
    """

    _file: TemporaryBytes
    _at: int
    _size: int

    def __new__(cls, file: TemporaryBytes, at: int, size: int) -> Self:
        """Take `size` bytes of `file` from `at` on."""
        body = super().__new__(cls, os.pread(file.descriptor, min(size, _START_BYTES), at))
        body._file, body._at, body._size = file, at, size
        return body

    def __len__(self) -> int:
        """Return the number of bytes in the file."""
        return self._size

    def __getitem__(self, key: Any) -> Any:
        """Read a slice."""
        start, stop, _ = key.indices(self._size)
        wanted = max(stop - start, 0)
        found = os.pread(self._file.descriptor, wanted, self._at + start)  # no second copy
        if len(found) < wanted:
            raise OSError(_CUT_OFF)
        return found

    def part(self, start: int, stop: int) -> bytes:
        """Return a slice that stays in the file if it is large."""
        if stop - start <= _PIECE_BYTES:
            return bytes(self[start:stop])
        return StoredBody(self._file, self._at + start, stop - start)

    def pieces(self) -> Iterator[bytes]:
        """Read all of it, a piece at a time."""
        for start in range(0, self._size, _PIECE_BYTES):
            yield self[start : start + _PIECE_BYTES]


def _no_room(error: OSError) -> CaptureError:
    return CaptureError(
        f"an event is too large for memory, and cannot be kept in a file: {error.strerror}",
        hint="set TMPDIR to a folder with 65 MB of room for each large event",
    )


def whole(data: bytes) -> bytes:
    """Return ordinary bytes."""
    return data[:] if isinstance(data, StoredBody) else data
