# SPDX-License-Identifier: Apache-2.0
"""Reads and inflates the bytes of a large file on one thread while another one processes them.

Reading, inflating and the walk in C all let go of the interpreter's lock, so that the slower side
alone decides how long a pass takes. Begun by `native.scan` through `Capture.read_ahead`.
"""

from __future__ import annotations

from _queue import SimpleQueue
from _thread import allocate_lock, start_new_thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from falcokit.capture.file.byte_streams import ByteStream

__all__ = ["AheadStream"]

#: Pieces that are read before they are asked for; with more, malloc often takes fresh memory.
_PIECES: Final = 2
#: Large ones: for each of them one thread wakes the other. zlib puts its output together from
#: parts, and for larger ones has fresh memory from the kernel each time.
_PIECE_BYTES: Final = 1024 * 1024
_INFLATED_BYTES: Final = 256 * 1024


class AheadStream:
    """Hands out the pieces of another stream, which it alone reads from now on."""

    growing = False

    def __init__(self, stream: ByteStream) -> None:
        self.compressed = stream.compressed
        self._stream = stream
        self._ready: SimpleQueue[bytes | BaseException] = SimpleQueue()
        self._free: SimpleQueue[bool] = SimpleQueue()
        self._done = allocate_lock()
        self._ended = False
        for _ in range(_PIECES):
            self._free.put(True)
        self._done.acquire()
        start_new_thread(self._read, ())

    @property
    def fault(self) -> str | None:
        """Why the stream ended early; None until all pieces before that have been handed out."""
        return self._stream.fault if self._ended else None

    def pull(self, size: int = 0) -> bytes:  # noqa: ARG002 - the size was settled before
        """Return the next piece, empty at the end."""
        if self._ended:
            return b""
        piece = self._ready.get()
        if isinstance(piece, BaseException):
            self._ended = True
            raise piece
        if piece:
            self._free.put(True)
        else:
            self._ended = True
        return piece

    def stop(self) -> None:
        """Stop the thread, and wait until it no longer reads."""
        self._free.put(False)
        with self._done:
            self._ended = True

    def _read(self) -> None:
        size = _INFLATED_BYTES if self.compressed else _PIECE_BYTES
        try:
            while self._free.get():
                piece = self._stream.pull(size)
                self._ready.put(piece)
                if not piece:
                    break
        except BaseException as e:  # noqa: BLE001 - raised where the piece is asked for
            self._ready.put(e)
        finally:
            self._done.release()
