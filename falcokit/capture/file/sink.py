# SPDX-License-Identifier: Apache-2.0
"""Where written blocks go: a file, plain or gzip.

Only whole blocks are written, and gzip output is a chain of whole members: the file can be read
while more is written, and after a crash.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["BlockSink", "open_sink"]

_PLAIN_BYTES: Final = 256 * 1024
#: Members of this size cost less than a thousandth more than one gzip stream.
_MEMBER_BYTES: Final = 1024 * 1024
_GZIP_LEVEL: Final = 6  # as the framework's writer
_GZIP_WINDOW: Final = 31  # zlib: 32 KiB window with gzip header and checksum


class BlockSink:
    """Gathers blocks and writes them in large pieces."""

    def __init__(self, file: BinaryIO, *, owned: bool, compress: bool) -> None:
        """Write to `file`, which is closed at the end only when it is `owned`."""
        self._file = file
        self._owned = owned
        self._compress = compress
        self._piece_bytes: Final = _MEMBER_BYTES if compress else _PLAIN_BYTES
        self._pending = bytearray()

    def write(self, block: bytes) -> None:
        """Add one whole block."""
        self._pending += block
        if len(self._pending) >= self._piece_bytes:
            self.flush()

    def flush(self) -> None:
        """Write all blocks added so far to the file."""
        # Removed first: an interrupt between the steps must not write a block twice.
        piece, self._pending = self._pending, bytearray()
        if piece:
            data = zlib.compress(piece, _GZIP_LEVEL, _GZIP_WINDOW) if self._compress else piece
            self._file.write(data)
        self._file.flush()

    def close(self) -> None:
        """Flush, and close a file that was opened here."""
        try:
            self.flush()
        finally:
            if self._owned:
                self._file.close()


def open_sink(target: str | os.PathLike[str] | BinaryIO, *, compress: bool | None) -> BlockSink:
    """Open a path, or use an open file; with None, a name that ends in .gz is compressed."""
    if isinstance(target, str | os.PathLike):
        path = Path(target)
        compress = path.suffix == ".gz" if compress is None else compress
        return BlockSink(path.open("wb"), owned=True, compress=compress)
    return BlockSink(target, owned=False, compress=bool(compress))
