# SPDX-License-Identifier: Apache-2.0
"""The walk over event blocks in C: carried by a wheel or compiled on first use, and optional.

`library` returns None, silently, without a compiler or anything else that it needs; then
everything is done in Python with the same result. The C code takes only well-formed event blocks,
so what a fault means is decided in one place, in Python.
"""

from __future__ import annotations

import functools
import os
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import STATE_EVENTS, event_table
from falcokit.capture.events.pairing import NEEDS, STORED
from falcokit.capture.format.layout import BIG
from falcokit.errors import FalcokitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType
    from falcokit.capture.reader import Capture, Scanner

__all__ = ["PARTS", "Library", "NativeScan", "library", "load", "scan_events", "sources"]

#: Smaller files are read in Python before the library would be loaded.
NATIVE_FROM_BYTES: Final = 256 * 1024

_FOLDER: Final = os.path.join(os.path.dirname(__file__), "src")  # noqa: PTH118, PTH120
_FLAGS: Final = ["-std=c11", "-O2", "-g1", "-fPIC", "-shared"]
_COMPILER_SECONDS: Final = 60
#: The event blocks in the order of block_kind in event.h.
_BLOCKS: Final = (0x216, 0x217, 0x221, 0x222, 0x204, 0x8010ABCD, 0x208)
_NO_ENTER: Final = 0xFFFF
_CODE: Final = struct.Struct("=H6B")


class Library:
    """The loaded library, and its table of event codes."""

    def __init__(self, ffi: Any, path: str) -> None:
        self.ffi: Final = ffi
        self.lib: Final = ffi.dlopen(path)
        self.codes: Final = ffi.new("struct fk_code[]", self.lib.FK_CODES)
        table = b"".join(map(_code, event_table().events[: self.lib.FK_CODES]))
        ffi.memmove(self.codes, table, len(table))


def _code(event_type: EventType) -> bytes:
    """Return a struct fk_code."""
    code = event_type.id
    enter, most = NEEDS.get(code, (_NO_ENTER, 0))
    stored, state = code in STORED, code in STATE_EVENTS
    large = event_type.large_payload
    return _CODE.pack(enter, most, stored, state, True, event_type.size, large)


@functools.cache
def library() -> Library | None:
    """Return the library for this machine, compiled if need be; None if unavailable."""
    try:
        from falcokit.toolchain.cache import cached, find_cached  # noqa: PLC0415 - for large files
        from falcokit.toolchain.prebuilt import find_prebuilt  # noqa: PLC0415

        paths = [path for name in PARTS if (path := find_prebuilt(name)) is not None]
        if len(paths) < len(PARTS):
            key = _key()
            paths = [
                find_cached(name, key) or str(cached(name, key, make))
                for name, make in PARTS.items()
            ]
        return _load(*paths)
    except (ImportError, OSError, FalcokitError):
        return None


def load(path: Path) -> Library:
    """Load the library that was compiled to `path`."""
    return Library(_parsed(), str(path))


def _load(types: str, path: str) -> Library:
    """Load the library, with the declarations that cffi made from its headers earlier."""
    found: dict[str, Any] = {}
    with open(types, "rb") as file:  # noqa: PTH123 - pathlib takes 5 ms to load
        exec(compile(file.read(), types, "exec"), found)  # noqa: S102 - from the user's own cache
    return Library(found["ffi"], path)


def sources() -> list[Path]:
    """Return the C files and headers of the library."""
    from pathlib import Path  # noqa: PLC0415 - takes 5 ms

    return [Path(_FOLDER, name) for name in _names()]


def _names() -> list[str]:
    return sorted(name for name in os.listdir(_FOLDER) if name.endswith((".c", ".h")))  # noqa: PTH208


def _key() -> str:
    """Return a key for all that the library is made from, without loading OpenSSL for a hash."""
    import _cffi_backend  # noqa: PLC0415

    digest, size = zlib.crc32(repr((sys.version, _cffi_backend.__version__, _FLAGS)).encode()), 0
    for name in _names():
        with open(f"{_FOLDER}/{name}", "rb") as file:  # noqa: PTH123
            content = file.read()
        digest, size = zlib.crc32(content, digest), size + len(content)
    return f"{digest:08x}{size:08x}"


def scan_events(
    capture: Capture,
    make: Callable[[Library], Scanner],
    *,
    native: bool | None = None,
    whole: bool = True,
) -> Iterator[Event]:
    """Continue the pass over `capture` with the scanner that `make` makes of the library.

    Yields the events that the scanner leaves to Python. `native` forces or forbids the C code,
    which is otherwise used where much is to be read: in a large file if the `whole` of it is
    wanted, and else, as in a pipe, once much was read.
    """
    if native is None:
        return capture.scan(_deferred(make, whole=whole))
    loaded = library() if native else None
    return capture.scan(make(loaded) if loaded else None)


def _deferred(make: Callable[[Library], Scanner], *, whole: bool) -> Scanner:
    def scanner(capture: Capture, buffer: bytes, at: int, base: int) -> int:
        if max(base + at, capture.size if whole else 0) < NATIVE_FROM_BYTES:
            return at
        loaded = library()
        if loaded is None:
            capture.scan(None)
            return at
        real = make(loaded)
        capture.read_ahead()
        capture.scan(real)
        return real(capture, buffer, at, base)

    return scanner


class NativeScan:
    """A scanner for `Capture.scan`: it counts events, passes over them or lists them.

    Without any of `tally`, `query`, `lines` and `frames`, pointers to structures of the headers, it
    takes every event that is well formed. `keep` keeps alive what those point to. `ahead` looks at
    the events before they are scanned, and returns how far it has come.
    """

    def __init__(
        self,
        loaded: Library,
        *,
        tally: Any = None,
        query: Any = None,
        lines: Any = None,
        frames: Any = None,
        keep: Any = None,
        ahead: Scanner | None = None,
    ) -> None:
        self._lib = loaded.lib
        self._scan = loaded.ffi.new("struct fk_scan *")
        self._kept = (loaded, tally, query, lines, frames, keep)  # C points to these
        null = loaded.ffi.NULL
        self._scan.codes = loaded.codes
        self._scan.tally = null if tally is None else tally
        self._scan.query = null if query is None else query
        self._scan.lines = null if lines is None else lines
        self._scan.frames = null if frames is None else frames
        self._ahead = ahead
        self._seen = 0

    def __call__(self, capture: Capture, buffer: bytes, at: int, base: int) -> int:
        """Scan, as a Scanner does."""
        while True:
            came_to, is_done = self.step(capture, buffer, at, base)
            if is_done:
                return came_to
            at = came_to

    def step(self, capture: Capture, buffer: bytes, at: int, base: int) -> tuple[int, bool]:
        """Scan as far as `ahead` has come; return how far that was, and whether it was all."""
        end = len(buffer) if self._ahead is None else self._ahead(capture, buffer, at, base)
        self._follow(capture)
        came_to: int = self._lib.fk_scan(self._scan, buffer, end, at, base)
        capture.event_count, capture.leading = self._scan.number, bool(self._scan.leading)
        return came_to, self._ahead is None or came_to < end or came_to == at

    def peek(
        self, capture: Capture, buffer: bytes, at: int, base: int, *, end: int, count: int
    ) -> int:
        """Scan up to `end`, after `count` events, and leave the events to be scanned again."""
        self._follow(capture)
        self._scan.number = count
        came_to: int = self._lib.fk_scan(self._scan, buffer, end, at, base)
        return came_to

    def _follow(self, capture: Capture) -> None:
        """Take over where the capture is."""
        scan = self._scan
        if len(capture.blocks) != self._seen:  # Python reads the first block of each kind
            self._seen = len(capture.blocks)
            scan.seen = sum(code in capture.blocks and 1 << i for i, code in enumerate(_BLOCKS))
        scan.number, scan.leading = capture.event_count, capture.leading
        scan.big_endian = capture.layout is BIG

    def finish(self, capture: Capture) -> None:
        """Add the blocks that were taken to those that the capture has counted."""
        for i, code in enumerate(_BLOCKS):
            if self._scan.blocks[i]:
                capture.blocks[code] += self._scan.blocks[i]
                self._scan.blocks[i] = 0


def _parsed() -> Any:
    import cffi  # noqa: PLC0415 - its parser takes 40 ms to load

    lines: list[str] = []
    for name in ("scan.h", "lines.h", "condition.h", "frames.h"):
        with open(f"{_FOLDER}/{name}", encoding="utf-8") as file:  # noqa: PTH123
            lines += (line for line in file if not line.startswith("#"))
    ffi: Any = cffi.FFI()
    ffi.cdef("".join(lines))
    return ffi


def _write_types(target: Path) -> None:
    from cffi.recompiler import make_py_source  # noqa: PLC0415 - as above

    ffi = _parsed()
    ffi.set_source("falcokit_scan", None)
    make_py_source(ffi, "falcokit_scan", str(target), verbose=False)


def _compile(target: Path) -> None:
    # Imported here: without a compiler the rest must still work.
    from falcokit.toolchain.command import run  # noqa: PLC0415
    from falcokit.toolchain.compiler import find_compiler  # noqa: PLC0415

    main = [str(file) for file in sources() if file.suffix == ".c"]
    compiler = find_compiler().path
    run([compiler, *_FLAGS, "-o", str(target), *main], timeout=_COMPILER_SECONDS)


#: The files that are made, with what makes each; `_load` takes them in this order.
PARTS: Final = {"falcokit-scan.py": _write_types, "falcokit-scan.so": _compile}
