# SPDX-License-Identifier: Apache-2.0
"""Readers for filters: values in an event's header, or that follow from its type.

The modules `args` and `results` read parameters.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import (
    ASYNC_EVENT,
    GENERIC_SYSCALLS,
    PLUGIN_EVENT,
    event_table,
)
from falcokit.filter.types import FieldType
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType

__all__ = [
    "MAX_TID",
    "NS",
    "READS",
    "VARIES",
    "WRITES",
    "Reader",
    "Stored",
    "async_type",
    "category",
    "clock",
    "io_direction",
    "is_async",
    "named",
    "number",
    "plain",
    "source",
    "thread",
    "timestamp",
    "typed",
]

#: Nanoseconds in a second.
NS: Final = 1_000_000_000
READS: Final = 0x8
WRITES: Final = 0x10
MAX_TID: Final = 2**32 - 1
_NO_THREAD: Final = -1
#: In place of a value: the code does not determine it.
VARIES: Final = object()


class Stored(Record):
    """Where C finds the value of a field in a stored event, see native/src/condition.h.

    Attributes:
        source: the FK_FROM_ name of the place.
        positions: by event code, of the parameter.
        kinds: by event code, how the parameter is stored.
        numbered: event codes whose value is a number, where that of others is a text.
        mask: the bits of a number that are looked at.
        convert: returns the value that a number stands for, None for none, VARIES if Python must
            look; None if it is no number.
        points: the numbers at which `convert` begins or ceases to return a value.
        known: numbers that have their own text; each other has its own too. None: texts do not
            differ otherwise than at `points`.

    """

    source: str
    positions: dict[int, int] = {}  # noqa: RUF012 - records are immutable
    kinds: dict[int, str] = {}  # noqa: RUF012 - as above
    numbered: frozenset[int] = frozenset()
    mask: int = 0
    convert: Callable[[int], Any] | None = None
    points: tuple[int, ...] = ()
    known: frozenset[int] | None = None


class Reader(Record):
    """How a filter gets a field's value; None is for an event that has none.

    `by_code` returns the value that all events of a type have, a frozenset if it is one of a few,
    VARIES if it can be any; the type is None for codes of a newer table. The values of a `mixed`
    reader may be of any other type too. `buffers` has the position, by code, of the bytes whose
    printed form is the value. Without `stored` only Python reads it.
    """

    type: FieldType
    get: Callable[[Event], Any]
    by_code: Callable[[EventType | None], Any] = lambda _: VARIES
    mixed: bool = False
    buffers: dict[int, int] | None = None
    stored: Stored | None = None


def typed(field_type: FieldType, get: Callable[[EventType], Any], unknown: Any = None) -> Reader:
    """Read a value from the event table; `unknown` is the value of codes that it lacks."""

    def by_code(event_type: EventType | None) -> Any:
        return unknown if event_type is None else get(event_type)

    return Reader(type=field_type, get=lambda event: by_code(event.event_type), by_code=by_code)


def plain(
    field_type: FieldType, get: Callable[[Event], Any], stored: Stored | None = None
) -> Reader:
    """Read a value that each event has itself."""
    return Reader(type=field_type, get=get, stored=stored)


def number(field_type: FieldType, get: Callable[[Event], int], where: str) -> Reader:
    """Read a number of the event's header."""
    return plain(field_type, get, Stored(source=where, convert=lambda found: found))


def _of_names() -> Stored:
    """Return where the names of generic system calls and of async events are."""
    table = event_table()
    unnamed = {table.name(code) for code in GENERIC_SYSCALLS}

    def convert(number: int) -> Any:
        return table.ppm_sc.get(number) or (min(unnamed) if len(unnamed) == 1 else VARIES)

    return Stored(
        source="FK_FROM_NAME",
        numbered=GENERIC_SYSCALLS,
        convert=convert,
        points=tuple(table.ppm_sc),
    )


def named(*, syscalls_only: bool) -> Reader:
    """Read the type's name, which async events and generic system calls store themselves."""
    own = GENERIC_SYSCALLS if syscalls_only else GENERIC_SYSCALLS | {ASYNC_EVENT}
    syscalls = frozenset(event_table().ppm_sc.values())

    def by_code(entry: EventType | None) -> Any:
        if entry is None or (syscalls_only and "EC_SYSCALL" not in entry.category_names):
            return None
        if entry.id in GENERIC_SYSCALLS:
            return syscalls | {entry.name}
        return VARIES if entry.id == ASYNC_EVENT else entry.name

    def get(event: Event) -> str | None:
        return event.type if event.code in own else by_code(event.event_type)

    return Reader(type=FieldType.CHARBUF, get=get, by_code=by_code, stored=_of_names())


def async_type() -> Reader:
    """Read the name of an async event, and of the other metaevents."""

    def by_code(entry: EventType | None) -> Any:
        if entry is None or not is_async(entry):
            return None
        return VARIES if entry.id == ASYNC_EVENT else entry.name

    def get(event: Event) -> str | None:
        known: str | None = by_code(event.event_type)
        return event.async_name if known is VARIES else known

    return Reader(type=FieldType.CHARBUF, get=get, by_code=by_code, stored=_of_names())


def is_async(entry: EventType) -> bool:
    """Return whether events of a type are made in user space."""
    return "EC_METAEVENT" in entry.category_names


def category(entry: EventType) -> str:
    """Return the topic of a type; IPC has Falco's own spelling, and its own events a word."""
    first = entry.category_names[0]
    if first == "EC_UNKNOWN" and "EC_INTERNAL" in entry.category_names:
        return "internal"
    return "IPC" if first == "EC_IPC" else entry.topic


def io_direction(entry: EventType) -> str | None:
    """Return whether a type reads or writes a descriptor; write if it does both."""
    return "write" if entry.flags & WRITES else "read" if entry.flags & READS else None


def source(names: Mapping[int, str]) -> Reader:
    """Read the event source: the known name of a plugin's id, else the id itself."""

    def by_code(entry: EventType | None) -> Any:
        return VARIES if entry is None or entry.id in {PLUGIN_EVENT, ASYNC_EVENT} else "syscall"

    def named_source(plugin_id: int | None) -> str:
        return names.get(plugin_id, str(plugin_id)) if plugin_id else "syscall"

    known = frozenset((0, *names))
    stored = Stored(
        source="FK_FROM_PLUGIN_ID", convert=named_source, points=tuple(known), known=known
    )
    return Reader(
        type=FieldType.CHARBUF,
        get=lambda event: named_source(event.plugin_id),
        by_code=by_code,
        stored=stored,
    )


def thread() -> Reader:
    """Read the thread's id; ids above 32 bits do not exist."""

    def get(event: Event) -> int | None:
        tid = _NO_THREAD if event.tid is None else event.tid
        return tid if tid <= MAX_TID else None

    stored = Stored(
        source="FK_FROM_THREAD",
        convert=lambda tid: tid if tid <= MAX_TID else None,
        points=(MAX_TID,),
    )
    return plain(FieldType.INT64, get, stored)


def timestamp(convert: Callable[[int], int], where: str) -> Reader:
    """Read a number computed from the time in nanoseconds."""
    stored = Stored(source=where, convert=lambda found: found)
    return plain(FieldType.ABSTIME, lambda e: None if e.ts_ns is None else convert(e.ts_ns), stored)


def clock(form: str, *, ns: str = "", utc: bool = False) -> Reader:
    """Read the time as text, `ns` being the format of the nanoseconds that follow."""

    @functools.lru_cache(maxsize=256)
    def second(number: int) -> str | None:
        try:
            return time.strftime(form, time.gmtime(number) if utc else time.localtime(number))
        except (OverflowError, OSError, ValueError):
            return None

    def get(event: Event) -> str | None:
        if event.ts_ns is None:
            return None
        seconds, rest = divmod(event.ts_ns, NS)
        text = second(seconds)
        return None if text is None else text + ns.format(rest)

    return plain(FieldType.CHARBUF, get)
