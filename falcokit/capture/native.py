# SPDX-License-Identifier: Apache-2.0
"""The walk over event blocks in C: compiled on first use, and done without where it cannot be.

`library` is asked by whoever reads large files; it answers None, silently, without a compiler or
anything else it needs, and then everything is done in Python with the same result. The C code
takes only well-formed event blocks, so what a fault means is decided in one place, in Python.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.event_table import STATE_EVENTS, event_table
from falcokit.capture.layout import BIG
from falcokit.capture.pairing import NEEDS, STORED
from falcokit.errors import FalcokitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.reader import Capture, Scanner

__all__ = ["Library", "NativeScan", "deferred", "library", "load", "sources"]

#: Smaller files are read in Python before the library would be loaded.
NATIVE_FROM_BYTES: Final = 256 * 1024

_FOLDER: Final = Path(__file__).with_name("src")
_FLAGS: Final = ["-std=c11", "-O2", "-g1", "-fPIC", "-shared"]
_COMPILER_SECONDS: Final = 60
#: The event blocks in the order of block_kind in event.h.
_BLOCKS: Final = (0x216, 0x217, 0x221, 0x222, 0x204, 0x8010ABCD, 0x208)
_NO_ENTER: Final = 0xFFFF


class Library:
    """The loaded library, and its table of event codes."""

    def __init__(self, ffi: Any, path: Path) -> None:
        self.ffi: Final = ffi
        self.lib: Final = ffi.dlopen(str(path))
        self.codes: Final = ffi.new("struct fk_code[]", self.lib.FK_CODES)
        for event_type in event_table().events[: self.lib.FK_CODES]:
            code = event_type.id
            enter, most = NEEDS.get(code, (_NO_ENTER, 0))
            entry = self.codes[code]
            entry.enter, entry.most = enter, most
            entry.stored, entry.state = code in STORED, code in STATE_EVENTS
            entry.known, entry.params = True, len(event_type.params)


@functools.cache
def library() -> Library | None:
    """Return the library for this machine, compiled where it is not in the cache; None without."""
    try:
        from falcokit.native.cache import cached, key_of  # noqa: PLC0415 - only for large files

        contents = (part for file in sources() for part in (file.name, file.read_bytes()))
        key = key_of([sys.version, _cffi_version(), *_FLAGS, *contents])
        types = cached("falcokit-scan.py", key, _write_types)
        return load(cached("falcokit-scan.so", key, _compile), types)
    except (ImportError, OSError, FalcokitError):
        return None


def load(path: Path, types: Path | None = None) -> Library:
    """Load the library that was compiled to `path`, with what cffi once made of its header."""
    if types is None:
        return Library(_parsed(), path)
    found: dict[str, Any] = {}
    exec(compile(types.read_bytes(), types, "exec"), found)  # noqa: S102 - from the user's own cache
    return Library(found["ffi"], path)


def sources() -> list[Path]:
    """Return the C files and headers of the library."""
    return sorted(_FOLDER.glob("*.[ch]"))


def deferred(make: Callable[[Library], Scanner]) -> Scanner:
    """Return a scanner that loads the library, and has one made, when the file proves large."""

    def scanner(capture: Capture, buffer: bytes, at: int, base: int) -> int:
        if base + at < NATIVE_FROM_BYTES:
            return at
        loaded = library()
        if loaded is None:
            capture.scan(None)
            return at
        real = make(loaded)
        capture.scan(real)
        return real(capture, buffer, at, base)

    return scanner


class NativeScan:
    """A scanner for `Capture.scan`: it counts events, passes over them, notes or lists them.

    Without any of `tally`, `query`, `index` and `lines`, pointers to structures of the headers, it
    takes every event that is well formed. What those point to in turn is kept alive by `keep`.
    """

    def __init__(
        self,
        loaded: Library,
        *,
        tally: Any = None,
        query: Any = None,
        index: Any = None,
        lines: Any = None,
        keep: Any = None,
    ) -> None:
        self._lib = loaded.lib
        self._scan = loaded.ffi.new("struct fk_scan *")
        self._kept = (loaded, tally, query, index, lines, keep)  # C points to these
        null = loaded.ffi.NULL
        self._scan.codes = loaded.codes
        self._scan.tally = null if tally is None else tally
        self._scan.query = null if query is None else query
        self._scan.index = null if index is None else index
        self._scan.lines = null if lines is None else lines
        self._seen = 0

    def __call__(self, capture: Capture, buffer: bytes, at: int, base: int) -> int:
        """Scan, as a Scanner does."""
        scan = self._scan
        if len(capture.blocks) != self._seen:  # the first of each block is Python's
            self._seen = len(capture.blocks)
            scan.seen = sum(code in capture.blocks and 1 << i for i, code in enumerate(_BLOCKS))
        scan.number, scan.leading = capture.event_count, capture.leading
        scan.big_endian = capture.layout is BIG
        at = self._lib.fk_scan(scan, buffer, len(buffer), at, base)
        capture.event_count, capture.leading = scan.number, bool(scan.leading)
        return at

    def finish(self, capture: Capture) -> None:
        """Add the blocks that were taken to those that the capture has counted."""
        for i, code in enumerate(_BLOCKS):
            if self._scan.blocks[i]:
                capture.blocks[code] += self._scan.blocks[i]
                self._scan.blocks[i] = 0


def _cffi_version() -> str:
    import _cffi_backend  # noqa: PLC0415

    return str(_cffi_backend.__version__)


def _parsed() -> Any:
    import cffi  # noqa: PLC0415 - its parser takes 40 ms to load

    header = "".join((_FOLDER / name).read_text() for name in ("scan.h", "lines.h"))
    ffi: Any = cffi.FFI()
    ffi.cdef("\n".join(line for line in header.splitlines() if not line.startswith("#")))
    return ffi


def _write_types(target: Path) -> None:
    from cffi.recompiler import make_py_source  # noqa: PLC0415 - as above

    ffi = _parsed()
    ffi.set_source("falcokit_scan", None)
    make_py_source(ffi, "falcokit_scan", str(target), verbose=False)


def _compile(target: Path) -> None:
    # Imported here: what needs no compiler is to work without all that belongs to one.
    from falcokit.native.process import run  # noqa: PLC0415
    from falcokit.native.toolchain import find_compiler  # noqa: PLC0415

    main = [str(file) for file in sources() if file.suffix == ".c"]
    compiler = find_compiler().path
    run([compiler, *_FLAGS, "-o", str(target), *main], timeout=_COMPILER_SECONDS)
