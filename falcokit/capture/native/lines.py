# SPDX-License-Identifier: Apache-2.0
"""Events as lines, written in C except for those that only Python can show.

This serves the listing of `falcokit inspect` where no terminal sets a width. How a line looks is
defined by `cli.inspect.events`, `render` and `format.text`; the C code does the same.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import (
    ASYNC_EVENT,
    GENERIC_SYSCALLS,
    PLUGIN_EVENT,
    event_table,
)
from falcokit.capture.events.values import NULL_WHEN_EMPTY
from falcokit.capture.native.scan import NativeScan, scan_events
from falcokit.capture.native.selection import native_query
from falcokit.runtime.event.event_values import INTEGERS, STRINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType, Param
    from falcokit.capture.native.scan import Library
    from falcokit.capture.native.selection import EventQuery
    from falcokit.capture.reader import Capture

__all__ = ["LineTables", "write_lines"]

#: Bytes of lines that C collects; a line that needs more is left to Python.
_ROOM: Final = 256 * 1024
#: Python's lines are handed over once they have this many characters.
_PENDING_CHARS: Final = 8192
_NO_LIMIT: Final = 2**64 - 1
_BLOCK_HEAD_BYTES: Final = 8
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
    native: bool | None = None,
) -> None:
    """Continue the pass over `capture` and write a line for each event, at most `limit`.

    With `matches`, only events for which that is true are written. `query` must let all of these
    pass, and, of the codes that it calls sure, no others.

    `line` makes the lines of events that C leaves to Python, and must cut buffers at 512
    characters as C does. `write` is given one or more lines, without the last newline.
    `native` forces or forbids the C code, which is otherwise used for large files.
    """
    if limit == 0:
        return
    output = _Output(write, limit)
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

    def __init__(self, write: Callable[[str], None], limit: int | None) -> None:
        self._write = write
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
        # Tables of a few codes are made quickly.
        self._tables = _all_tables(loaded) if query is None else LineTables(loaded, query.sure)
        self._tables.describe_to(self._lines)
        self._describe(0)
        wanted, keep = (None, None) if query is None else native_query(loaded, query)
        self._scan = NativeScan(loaded, lines=self._lines, query=wanted, keep=keep)

    def __call__(self, capture: Capture, buffer: bytes, at: int, base: int) -> int:
        """Make lines, as a Scanner takes events."""
        lines, lib, output = self._lines, self._lib, self._output
        while True:
            lines.stopped, lines.used, lines.left = 0, 0, output.left
            at = self._scan(capture, buffer, at, base)
            if lines.used:
                text = self._ffi.buffer(lines.out, lines.used - 1)[:].decode()
                output.add(text, output.left - lines.left)
            if lines.stopped == lib.FK_PAGE:
                self._describe(lines.page)
            elif lines.stopped != lib.FK_FULL:
                break
        if not _holds_block(capture, buffer, at):
            output.hand_over()  # reading on may have to wait
        return at

    def _describe(self, page: int) -> None:
        """Describe to C which characters of a page are printable, and which white space."""
        size = 1 << self._lib.FK_PAGE_SHIFT
        self._ffi.memmove(self._lines.characters + page * size, _traits(page, size), size)
        self._lines.pages[page] = True


@functools.cache
def _all_tables(loaded: Library) -> LineTables:
    """Return the tables of all events, which take longer to make than many lines."""
    return LineTables(loaded)


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


_FORMATS: Final = {
    "PF_NA": "FK_DECIMAL",
    "PF_DEC": "FK_DECIMAL",
    "PF_HEX": "FK_HEX",
    "PF_OCT": "FK_OCTAL",
}
#: The types that are not just a number in the format of the table.
_KINDS: Final = {
    "PT_DYN": "FK_CHOICE",
    "PT_BYTEBUF": "FK_BUFFER",
    "PT_CHARBUF_PAIR_ARRAY": "FK_BUFFER",
    "PT_CHARBUFARRAY": "FK_TEXTS",
    **dict.fromkeys(STRINGS, "FK_TEXT"),
    **dict.fromkeys(("PT_FD", "PT_FD32"), "FK_FD"),
    **dict.fromkeys(("PT_PID", "PT_PID32"), "FK_DECIMAL"),
    **dict.fromkeys(("PT_UID", "PT_GID"), "FK_ID"),
    "PT_FDLIST": "FK_FDS",
    "PT_ERRNO": "FK_ERROR",
    "PT_SIGTYPE": "FK_SIGNAL",
    "PT_SIGSET": "FK_SIGNAL_SET",
    "PT_RELTIME": "FK_SPAN",
    "PT_ABSTIME": "FK_TIME",
    **dict.fromkeys(("PT_FLAGS8", "PT_FLAGS16", "PT_FLAGS32"), "FK_FLAG_NAMES"),
    **dict.fromkeys(("PT_ENUMFLAGS8", "PT_ENUMFLAGS16", "PT_ENUMFLAGS32"), "FK_ENUM_NAME"),
    "PT_MODE": "FK_MODE",
    "PT_SOCKADDR": "FK_ADDRESS",
    "PT_SOCKTUPLE": "FK_SOCKETS",
    **dict.fromkeys(("PT_IPV4ADDR", "PT_IPV6ADDR", "PT_IPADDR"), "FK_IP"),
}
#: Occurs in generic events only, of which no parameter is shown.
_NEVER_SHOWN: Final = "PT_SYSCALLID"


class LineTables:
    """The event table as C reads it, in the structures of lines.h, while this lives.

    How a type is shown must agree with `render.types`. With `codes`, only for events of these.
    """

    def __init__(self, loaded: Library, codes: frozenset[int] | None = None) -> None:
        self._ffi, self._lib = loaded.ffi, loaded.lib
        self._texts = bytearray()
        self._words: dict[str, tuple[int, int]] = {}
        self._flags: dict[str, Any] = {}
        self._arrays: list[Any] = []
        lib, table = self._lib, event_table()
        shown = table.events[: lib.FK_CODES]
        self._shown = {
            "shapes": self._shapes([e for e in shown if codes is None or e.id in codes]),
            "syscalls": self._word_array(table.ppm_sc, lib.FK_SYSCALLS),
            "errors": self._word_array(table.errno, lib.FK_ERRORS),
            "signals": self._word_array(table.signals, lib.FK_SIGNALS),
            "texts": self._ffi.new("uint8_t[]", bytes(self._texts)),
        }

    def describe_to(self, lines: Any) -> None:
        """Point `lines`, a pointer to struct fk_lines, to the tables."""
        for name, array in self._shown.items():
            setattr(lines, name, array)

    def _shapes(self, event_types: list[EventType]) -> Any:
        shapes = self._array("struct fk_shape[]", self._lib.FK_CODES)
        for event_type in event_types:
            shape, code = shapes[event_type.id], event_type.id
            shape.name, shape.direction = self._word(event_type.name), ord(event_type.dir)
            if code in {*GENERIC_SYSCALLS, PLUGIN_EVENT, ASYNC_EVENT}:
                shape.usable = True  # without their parameters
            elif not event_type.large_payload:
                shape.count = len(event_type.params)
                shape.params = self._params(event_type.params)
                shape.usable = all(map(self._is_usable, event_type.params))
        return shapes

    def _params(self, params: tuple[Param, ...]) -> Any:
        array = self._array("struct fk_param[]", len(params))
        for entry, param in zip(array, params, strict=True):
            entry.prefix = self._word(f"{param.name}=")
            entry.empty_null = param.type in NULL_WHEN_EMPTY
            kind = _kind(param)
            width, signed = INTEGERS.get(param.type, (0, False))
            entry.width, entry.is_signed = width, signed or kind == "FK_DECIMAL"
            entry.kind = getattr(self._lib, kind) if kind else 0
            if param.flags:
                flags = event_table().flags_tables[param.flags]
                entry.count, entry.flags = len(flags), self._flag_array(param.flags, flags)
            elif param.type == "PT_DYN":
                choices = _choices(param)
                entry.count, entry.choices = len(choices), self._params(choices)
        return array

    def _flag_array(self, name: str, flags: tuple[tuple[str, int], ...]) -> Any:
        array = self._flags.get(name)
        if array is None:
            self._flags[name] = array = self._array("struct fk_flag[]", len(flags))
            for entry, (text, bits) in zip(array, flags, strict=True):
                entry.name, entry.bits = self._word(text), bits
        return array

    def _is_usable(self, param: Param) -> bool:
        """Return whether C can show a parameter, within the room that it has for names."""
        names = event_table().flags_tables.get(param.flags or "", ())
        if sum(len(name) + 1 for name, _ in names) > self._lib.FK_NAMES_ROOM // 2:
            return False
        return _kind(param) is not None and all(map(self._is_usable, _choices(param)))

    def _word_array(self, names: dict[int, str], count: int) -> Any:
        array = self._array("struct fk_word[]", count)
        for number, name in names.items():
            if 0 <= number < count:
                array[number] = self._word(name)
        return array

    def _word(self, text: str) -> tuple[int, int]:
        """Return place and size of a text, as struct fk_word has them."""
        word = self._words.get(text)
        if word is None:
            data = text.encode()
            self._words[text] = word = len(self._texts), len(data)
            self._texts += data
        return word

    def _array(self, kind: str, count: int) -> Any:
        array = self._ffi.new(kind, count)
        self._arrays.append(array)
        return array


def _kind(param: Param) -> str | None:
    """Return the FK_ name of how C shows a parameter, None where Python must do it."""
    if param.type in _KINDS:
        return _KINDS[param.type]
    if param.type in INTEGERS and param.type != _NEVER_SHOWN:
        return _FORMATS.get(param.fmt)
    return None


def _choices(param: Param) -> tuple[Param, ...]:
    """Return what a dynamic parameter can hold, in its own number format."""
    held = event_table().dynamic_tables.get(param.dynamic or "", ())
    return tuple(choice._replace(fmt=param.fmt) for choice in held)
