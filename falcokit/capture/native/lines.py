# SPDX-License-Identifier: Apache-2.0
"""Events as lines, written in C except for those that only Python can show.

This serves the listing of `falcokit inspect` where no terminal sets a width. How a line looks is
defined by `cli.inspect.events`, `render` and `format.text`; the C code does the same.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.native.line_tables import line_tables
from falcokit.capture.native.scan import NativeScan, scan_events
from falcokit.capture.native.selection import native_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.native.scan import Library
    from falcokit.capture.native.selection import EventQuery
    from falcokit.capture.reader import Capture

__all__ = ["write_lines"]

#: Bytes of lines that C collects; a line that needs more is left to Python.
_ROOM: Final = 256 * 1024
#: Python's lines are handed over once they have this many characters.
_PENDING_CHARS: Final = 8192
_NO_LIMIT: Final = 2**64 - 1
_BLOCK_HEAD_BYTES: Final = 8
#: A line begins with the number of its event, in as many characters at least.
_NUMBER_CHARS: Final = 6
_PRINTABLE: Final = 1
_SPACE: Final = 2


class _EnoughError(Exception):
    """Raised to end the walk: all lines that were wanted are written."""


def write_lines(
    capture: Capture,
    *,
    line: Callable[[Event], str],
    write: Callable[[str], None],
    limit: int | None = None,
    query: EventQuery | None = None,
    matches: Callable[[Event], bool] | None = None,
    more: Callable[[int], str] | None = None,
    native: bool | None = None,
) -> None:
    """Continue the pass over `capture` and write a line for each event, at most `limit`.

    With `matches`, only events for which that is true are written. `query` must let all of these
    pass, and, of the codes that it calls sure, no others.

    `line` makes the lines of events that C leaves to Python, and must cut buffers at 512
    characters as C does. `more` makes what is added to a line of C, by the number of the event.
    `write` is given one or more lines, without the last newline.
    `native` forces or forbids the C code, which is otherwise used for large files.
    """
    if limit == 0:
        return
    output = _Output(write, limit, more)
    events = scan_events(
        capture,
        lambda loaded: _LineScan(loaded, output, query),
        native=native,
        whole=limit is None,
    )
    with suppress(_EnoughError):
        try:
            for event in events:
                if matches is None or matches(event):
                    output.add(line(event))
        finally:
            capture.scan(None)  # frees what C had
            output.hand_over()


class _Output:
    """Collects lines to be written, and counts how many are still wanted."""

    def __init__(
        self,
        write: Callable[[str], None],
        limit: int | None,
        more: Callable[[int], str] | None,
    ) -> None:
        self._write = write
        self._more = more
        self._pending: list[str] = []
        self._chars = 0
        self.left = _NO_LIMIT if limit is None else limit

    def add(self, text: str, count: int = 1) -> None:
        """Take `count` lines; raise _EnoughError when these were the last ones wanted."""
        self._pending.append(text)
        self._chars += len(text)
        self.left -= count
        if self._chars >= _PENDING_CHARS:
            self.hand_over()
        if self.left == 0:
            raise _EnoughError

    def add_native(self, text: str, count: int) -> None:
        """Take `count` lines that C has made."""
        if self._more is not None:
            more = self._more
            text = "\n".join(
                [
                    line + more(int(line[: line.index(" ", _NUMBER_CHARS)]))
                    for line in text.split("\n")
                ]
            )
        self.add(text, count)

    def hand_over(self) -> None:
        """Write what was taken so far."""
        if self._pending:
            text = "\n".join(self._pending)
            self._pending.clear()
            self._chars = 0
            self._write(text)


class _LineScan:
    """A scanner for `Capture.scan` that makes lines of events."""

    def __init__(self, loaded: Library, output: _Output, query: EventQuery | None) -> None:
        self._ffi, self._lib = loaded.ffi, loaded.lib
        self._output = output
        self._lines: Any = loaded.ffi.new("struct fk_lines *")
        self._room = loaded.ffi.new("uint8_t[]", _ROOM)
        self._lines.out, self._lines.room = self._room, _ROOM
        self._tables = line_tables(loaded, _codes_of(query))
        self._tables.describe_to(self._lines)
        self._describe(0)
        chosen = {} if query is None else native_query(loaded, query)
        self._scan = NativeScan(loaded, lines=self._lines, **chosen)

    def __call__(self, capture: Capture, buffer: bytes, at: int, base: int) -> int:
        """Make lines, as a Scanner takes events."""
        lines, lib, output = self._lines, self._lib, self._output
        while True:
            lines.stopped, lines.used, lines.left = 0, 0, output.left
            at, is_done = self._scan.step(capture, buffer, at, base)
            if lines.used:
                text = self._ffi.buffer(lines.out, lines.used - 1)[:].decode()
                output.add_native(text, output.left - lines.left)
            if lines.stopped == lib.FK_PAGE:
                self._describe(lines.page)
            elif is_done and lines.stopped != lib.FK_FULL:
                break
        if not _holds_block(capture, buffer, at):
            output.hand_over()  # reading on may have to wait
        return at

    def _describe(self, page: int) -> None:
        """Describe to C which characters of a page are printable, and which white space."""
        size = 1 << self._lib.FK_PAGE_SHIFT
        self._ffi.memmove(self._lines.characters + page * size, _traits(page, size), size)
        self._lines.pages[page] = True


def _codes_of(query: EventQuery | None) -> frozenset[int] | None:
    """Return the codes of events whose lines C may write; None: all."""
    if query is None:
        return None
    return query.sure if query.condition is None else query.codes


@functools.cache
def _traits(page: int, size: int) -> bytes:
    characters = map(chr, range(page * size, (page + 1) * size))
    return bytes(
        _PRINTABLE * character.isprintable() | _SPACE * character.isspace()
        for character in characters
    )


def _holds_block(capture: Capture, buffer: bytes, at: int) -> bool:
    """Return whether the rest of a buffer begins with a whole block."""
    if len(buffer) - at < _BLOCK_HEAD_BYTES:
        return False
    _, total = capture.layout.block.unpack_from(buffer, at)
    return bool(total <= len(buffer) - at)
