# SPDX-License-Identifier: Apache-2.0
"""Selects events by code, name, thread and time without decoding the others.

In a large file C passes over the events that do not match, so that to find one event in ten
thousand costs little more than the walk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import ASYNC_EVENT, GENERIC_SYSCALLS, event_table
from falcokit.capture.native.scan import NativeScan, scan_events
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.capture.events.event import Event
    from falcokit.capture.native.condition import NativeNode
    from falcokit.capture.native.scan import Library
    from falcokit.capture.reader import Capture, Scanner

__all__ = ["EventQuery", "native_query", "select"]

_LAST_U64: Final = 2**64 - 1


class EventQuery(Record):
    """Conditions on events; all that are given must hold.

    Attributes:
        codes: one of these event codes.
        sure: events of these codes that pass the query need no further check.
        names: their type is one of these, as `evt.type` has it.
        tid: of this thread.
        ts_from: not before this time in ns; events without a time do not match.
        ts_to: before this time in ns; events without a time do not match.
        first_number: this number or a higher one.
        condition: what C says of events of codes that are not sure; None: nothing.
        ahead: makes what looks at events before they are scanned, of the library and the condition
            as C has it.

    """

    codes: frozenset[int] | None = None
    sure: frozenset[int] = frozenset()
    names: frozenset[str] | None = None
    tid: int | None = None
    ts_from: int | None = None
    ts_to: int | None = None
    first_number: int = 1
    condition: NativeNode | None = None
    ahead: Callable[[Library, Any], Scanner] | None = None

    def matches(self, event: Event) -> bool:
        """Return whether an event matches, leaving out the condition."""
        if event.number < self.first_number or (self.tid is not None and event.tid != self.tid):
            return False
        if self.codes is not None and event.code not in self.codes:
            return False
        if self.ts_from is not None and (event.ts_ns is None or event.ts_ns < self.ts_from):
            return False
        if self.ts_to is not None and (event.ts_ns is None or event.ts_ns >= self.ts_to):
            return False
        return self.names is None or event.type in self.names


def select(capture: Capture, query: EventQuery, *, native: bool | None = None) -> Iterator[Event]:
    """Continue the pass over `capture`, yielding the events that match.

    `native` forces or forbids the C code, which is otherwise used for large files.
    """
    events = scan_events(capture, lambda loaded: _scanner(loaded, query), native=native)
    # C leaves at least all events that match.
    return (event for event in events if query.matches(event))


def _scanner(loaded: Library, query: EventQuery) -> NativeScan:
    return NativeScan(loaded, **native_query(loaded, query))


def native_query(loaded: Library, query: EventQuery) -> dict[str, Any]:
    """Return what a NativeScan is given of a query."""
    ffi, lib = loaded.ffi, loaded.lib
    wanted = ffi.new("struct fk_query *")
    ffi.memmove(wanted.codes, _codes(query, lib.FK_CODES, lib.FK_SURE), lib.FK_CODES)
    wanted.first_number = query.first_number
    if query.tid is not None:
        wanted.by_tid = True
        wanted.tid = query.tid & _LAST_U64
    if query.ts_from is not None or query.ts_to is not None:
        wanted.by_time = True
        wanted.ts_from = min(max(query.ts_from or 0, 0), _LAST_U64)
        end = _LAST_U64 if query.ts_to is None else query.ts_to
        wanted.ts_to = min(max(end, 0), _LAST_U64)
    names: Any = ffi.NULL
    if query.names is not None:
        wanted.by_name = True
        spelt = b"".join(name.encode("utf-8", "surrogateescape") + b"\0" for name in query.names)
        names = ffi.new("uint8_t[]", spelt)
        wanted.names, wanted.names_size = names, len(spelt)
        for number, name in event_table().ppm_sc.items():
            if number < lib.FK_SYSCALLS:
                wanted.syscalls[number] = name in query.names
        if any(event_table().name(code) in query.names for code in GENERIC_SYSCALLS):
            for number in range(lib.FK_SYSCALLS):
                wanted.syscalls[number] = True
    condition: Any = None
    pointer: Any = None
    if query.condition is not None:
        from falcokit.capture.native.condition import native_condition  # noqa: PLC0415 - only here

        pointer, condition = native_condition(loaded, query.condition)
        wanted.condition = pointer
    ahead = None if query.ahead is None else query.ahead(loaded, pointer)
    return {"query": wanted, "keep": (names, condition), "ahead": ahead}


def _codes(query: EventQuery, count: int, sure: int) -> bytes:
    """Return a byte for each code: whether its events may match, and are `sure` to."""
    if query.codes is None and query.names is None:
        codes = bytearray(b"\1" * count)
    else:
        codes = bytearray(count)
        chosen = range(count) if query.codes is None else query.codes
        for code in chosen:
            if 0 <= code < count and (query.names is None or _may_have(query.names, code)):
                codes[code] = 1
    for code in query.sure:
        if 0 <= code < count and codes[code]:
            codes[code] = sure
    return bytes(codes)


def _may_have(names: frozenset[str], code: int) -> bool:
    return code == ASYNC_EVENT or code in GENERIC_SYSCALLS or event_table().name(code) in names
