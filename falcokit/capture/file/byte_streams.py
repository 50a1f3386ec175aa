# SPDX-License-Identifier: Apache-2.0
"""The bytes of a capture file, piece by piece: plain or from gzip, followed or read ahead.

As in the framework the first two bytes decide, never the file's name. `blocks.BlockWalk` pulls
pieces and cuts them into blocks. A stream never raises for bad content: it returns every byte
before the fault, then empty pieces, and `fault` says why it ended early. Memory is bounded by the
piece size, independent of the compression ratio.
"""

from __future__ import annotations

import os
import select
import stat
import time
import zlib
from _queue import SimpleQueue
from _thread import allocate_lock, start_new_thread
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

__all__ = [
    "GZIP_MAGIC",
    "PIECE_BYTES",
    "AheadStream",
    "ByteStream",
    "Follow",
    "GzipStream",
    "Input",
    "PlainStream",
    "open_stream",
]

GZIP_MAGIC: Final = b"\x1f\x8b"
#: What one pull returns if no size is given; also what gzip may inflate to in one step. Pieces from
#: 128 KiB on are returned to the kernel and fetched from it again by malloc, which costs more than
#: reading; a thread that reads ahead makes up for it.
PIECE_BYTES: Final = 96 * 1024
_GZIP_INPUT_BYTES: Final = 64 * 1024
_STEPS_REPEATED: Final = 16
_GZIP_WINDOW: Final = 31  # zlib: 32 KiB window with gzip header and checksum


class ByteStream(Protocol):
    """The bytes for a block walk."""

    compressed: bool
    #: Whether the file is still being written, so that an end inside a block is not a fault.
    growing: bool

    @property
    def fault(self) -> str | None:
        """Why the stream ended early; None if it did not."""

    def pull(self, size: int = PIECE_BYTES) -> bytes:
        """Return the next piece, of at most `size` bytes but for the first; empty at the end."""


class Input:
    """The stored bytes of an unbuffered file or pipe, counted."""

    def __init__(self, file: BinaryIO, follow: Follow | None = None) -> None:
        self._file = file
        self._follow = follow
        self.growing: Final = follow is not None
        #: Bytes read so far, and the function to report them to.
        self.count = 0
        self.on_read: Callable[[int], None] | None = None
        self.fault: str | None = None

    def read(self, size: int) -> bytes:
        """Wait for and return the next bytes, at most `size`; b"" at the end."""
        while True:
            try:
                piece: bytes | None = self._file.read(size)
            except OSError as e:
                self.fault = f"reading the file failed ({e.strerror})"
                return b""
            if piece:
                self.count += len(piece)
                if self.on_read is not None:
                    self.on_read(self.count)
                return piece
            if piece is None:  # a pipe that another process made non-blocking
                select.select([self._file], [], [])
            elif self._follow is None:
                return b""
            elif not self._follow.more(self._file, self.count):
                self.fault = self._follow.fault
                return b""


class PlainStream:
    """An uncompressed file; `start` has the bytes read to detect the format."""

    compressed = False

    def __init__(self, stored: Input, start: bytes) -> None:
        self._stored = stored
        self._start = start
        self.growing = stored.growing

    @property
    def fault(self) -> str | None:
        """Why the stream ended early."""
        return self._stored.fault

    def pull(self, size: int = PIECE_BYTES) -> bytes:
        """Return the next piece, of at most `size` bytes but for the first; empty at the end."""
        if self._start:
            piece, self._start = self._start, b""
            return piece
        return self._stored.read(size)


class GzipStream:
    """A gzip stream of one or more members, inflated a bounded step at a time."""

    compressed = True

    def __init__(self, stored: Input, start: bytes) -> None:
        self._stored = stored
        self._pending = start
        self._ended = False
        self._steps: list[tuple[bytes, int]] = []
        self._begin_member()
        self._held_back = False  # zlib may have more output without more input
        self.growing = stored.growing
        self.fault: str | None = None

    def pull(self, size: int = PIECE_BYTES) -> bytes:
        """Return the next piece, of at most `size` bytes but for the first; empty at the end."""
        while not self._ended:
            starved = False
            if not self._pending and not self._inflater.eof and not self._held_back:
                self._pending = self._stored.read(_GZIP_INPUT_BYTES)
                starved = not self._pending
            piece = self._step(size)
            if piece:
                return piece
            if starved and not self._inflater.eof:
                cut = None if self.growing else "the gzip stream is cut short"
                self._end(self._stored.fault or cut)
        return b""

    def _step(self, size: int) -> bytes:
        if self._inflater.eof and not self._next_member():
            return b""
        given = self._pending
        if len(self._steps) == _STEPS_REPEATED:
            self._before, self._steps = self._inflater.copy(), []
        try:
            piece = self._inflater.decompress(given, size)
        except zlib.error as e:
            self._end(f"the gzip stream is corrupt ({_reason(e)})")
            for step in self._steps:
                self._before.decompress(*step)
            return _salvage(self._before, given, size)
        self._steps.append((given, size))
        self._held_back = len(piece) == size
        self._pending = self._inflater.unused_data or self._inflater.unconsumed_tail
        return piece

    def _next_member(self) -> bool:
        while len(self._pending) < len(GZIP_MAGIC):
            more = self._stored.read(_GZIP_INPUT_BYTES)
            if not more:
                junk = "junk after the gzip stream" if self._pending else None
                self._end(self._stored.fault or junk)
                return False
            self._pending += more
        if not self._pending.startswith(GZIP_MAGIC):
            self._end("junk after the gzip stream")
            return False
        self._begin_member()
        return True

    def _begin_member(self) -> None:
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)
        # zlib drops the output of a call that fails: keep a copy of its state, and the input since.
        self._before = self._inflater.copy()
        self._steps = []

    def _end(self, fault: str | None) -> None:
        self._ended, self._pending, self.fault = True, b"", fault


def open_stream(stored: Input) -> ByteStream:
    """Choose the format by the first two bytes."""
    start = stored.read(PIECE_BYTES)
    while 0 < len(start) < len(GZIP_MAGIC):  # a pipe may hand out single bytes
        more = stored.read(PIECE_BYTES)
        if not more:
            break
        start += more
    if start.startswith(GZIP_MAGIC):
        return GzipStream(stored, start)
    return PlainStream(stored, start)


def _reason(error: zlib.error) -> str:
    """Reduce "Error -3 while decompressing data: invalid block type" to its end."""
    return str(error).rpartition(": ")[2]


def _salvage(inflater: zlib._Decompress, given: bytes, size: int) -> bytes:
    """Repeat a failed step in smaller ones, finally byte by byte, for the output before the fault.

    zlib loses the output of a call that fails, so each step is tried on a copy first.
    """
    output = bytearray()
    for step in (4096, 256, 16):
        with suppress(zlib.error):
            while given and len(output) < size:
                trial = inflater.copy()
                output += trial.decompress(given[:step], size - len(output))
                inflater, given = trial, trial.unconsumed_tail + given[step:]
    with suppress(zlib.error):
        for at in range(len(given)):
            tail = given[at : at + 1]
            while len(output) < size:
                part = inflater.decompress(tail, 1)
                output += part
                tail = inflater.unconsumed_tail
                if not part and not tail:
                    break
    return bytes(output)


_FIRST_PAUSE: Final = 0.005  # seconds
_LONGEST_PAUSE: Final = 0.1


class Follow:
    """Waits until a file has grown, `until` returns true, or the file is no longer the same.

    The size is polled: the file may be on any file system, and its writer may close and flush it at
    any time.
    """

    def __init__(
        self, path: str | os.PathLike[str] | None, until: Callable[[], bool] | None
    ) -> None:
        """Follow the file opened as `path`; `until` is called at least ten times a second.

        Without a path, as for standard input, the file never counts as replaced.
        """
        self._path = path
        self._until = until
        #: Why no more bytes will come; None as long as they may.
        self.fault: str | None = None

    def more(self, file: BinaryIO, position: int) -> bool:
        """Wait for bytes after `position` of `file`; False when none will come."""
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return False
        pause = _FIRST_PAUSE
        while True:
            gone = self._gone(file)  # checked before the size, so that its last bytes are not lost
            size = os.fstat(file.fileno()).st_size
            if size > position:
                return True
            if size < position:
                self.fault = "the file was cut off while it was followed"
            else:
                self.fault = gone
            if self.fault or (self._until is not None and self._until()):
                return False
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _gone(self, file: BinaryIO) -> str | None:
        if self._path is None:
            return None
        try:
            there = os.stat(self._path)  # noqa: PTH116 - fstat has no method
        except OSError:
            return "the file was removed while it was followed"
        if os.path.samestat(there, os.fstat(file.fileno())):
            return None
        return "the file was replaced while it was followed"


#: Pieces that are read before they are asked for; with more, malloc often takes fresh memory.
_PIECES: Final = 2
#: Large ones: for each of them one thread wakes the other. zlib puts its output together from
#: parts, and for larger ones has fresh memory from the kernel each time.
_PIECE_BYTES: Final = 1024 * 1024
_INFLATED_BYTES: Final = 256 * 1024


class AheadStream:
    """Hands out the pieces of another stream, which a thread reads and inflates ahead.

    Reading, inflating and the walk in C all let go of the interpreter's lock, so that the slower
    side alone decides how long a pass takes.
    """

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
