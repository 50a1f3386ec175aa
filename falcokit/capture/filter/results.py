# SPDX-License-Identifier: Apache-2.0
"""Readers for filters: what a system call returned and how it opened a file.

The return value is the first parameter of an exit event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import GENERIC_SYSCALLS, event_table
from falcokit.capture.events.values import value
from falcokit.capture.filter.readers import VARIES, Reader, Stored
from falcokit.filter.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType

__all__ = ["buffer_length", "failed", "opened", "result_name", "result_number"]

_OPENS: Final = {
    "PPME_SYSCALL_OPEN_X",
    "PPME_SYSCALL_OPENAT_2_X",
    "PPME_SYSCALL_OPENAT2_X",
    "PPME_SYSCALL_OPEN_BY_HANDLE_AT_X",
}
_CREATE: Final = "PPME_SYSCALL_CREAT_X"
_EXECUTE: Final = 0o111
_WIDTHS: Final = {4, 8}


def result_number() -> Reader:
    """Read the return value as a number."""
    return _reader(FieldType.INT64, _result, lambda number: number)


def result_name() -> Reader:
    """Read the return value as SUCCESS or the name of an error."""

    def get(event: Event) -> str | None:
        number = _result(event)
        if number is None:
            return None
        return "SUCCESS" if number >= 0 else event_table().errno.get(-number) or str(number)

    def convert(number: int) -> Any:
        return "SUCCESS" if number >= 0 else event_table().errno.get(-number, VARIES)

    points = tuple(-number for number in event_table().errno)
    return _reader(FieldType.CHARBUF, get, convert, (*points, -1))


def failed() -> Reader:
    """Read whether the return value is an error."""

    def get(event: Event) -> bool | None:
        number = _result(event)
        return None if number is None else number < 0

    return _reader(FieldType.BOOL, get, lambda number: number < 0, (-1,))


def buffer_length() -> Reader:
    """Read how many bytes a call read or wrote."""

    def by_code(event_type: EventType | None) -> Any:
        if event_type is None or not event_type.category_names[0].startswith("EC_IO_"):
            return None
        return _returns(event_type)

    def get(event: Event) -> int | None:
        number = _result(event) if by_code(event.event_type) is VARIES else None
        return None if number is None or number < 0 else number

    def convert(number: int) -> int | None:
        return None if number < 0 else number

    return _reader(FieldType.UINT64, get, convert, (-1,)).replace(by_code=by_code)


def opened(how: str) -> Reader:
    """Read whether a file was opened to `read` or `write`, or was created (`create`, `exec`)."""
    bits = dict(event_table().flags_tables["file_flags"])
    wanted = {
        "read": bits["O_RDONLY"],
        "write": bits["O_WRONLY"],
        "create": bits["O_F_CREATED"],
        "exec": bits["O_TMPFILE"] | bits["O_CREAT"],
    }[how]
    rules: dict[str, Callable[[Event, int], bool]] = {
        "create": lambda event, flags: bool(
            flags & wanted or (flags & bits["O_TMPFILE"] and (_result(event) or 0) >= 0)
        ),
        "exec": lambda event, flags: bool(flags & wanted) and _executable(event),
    }

    def any_bit(_: Event, flags: int) -> bool:
        return bool(flags & wanted)

    rule = rules.get(how, any_bit)

    def by_code(event_type: EventType | None) -> Any:
        code = event_type.code if event_type else None
        return VARIES if code in _OPENS or (how == "exec" and code == _CREATE) else False

    def get(event: Event) -> bool:
        event_type = event.event_type
        if by_code(event_type) is not VARIES or event_type is None:
            return False
        if event_type.code == _CREATE:
            return _executable(event)
        flags = value(event, "flags")
        return isinstance(flags, int) and rule(event, flags)

    stored = None
    if how not in rules:
        positions = _flags_positions()
        stored = Stored(
            source="FK_FROM_BITS", positions=positions, mask=wanted, convert=bool, points=(0,)
        )
    return Reader(type=FieldType.BOOL, get=get, by_code=by_code, stored=stored)


def _flags_positions() -> dict[int, int]:
    """Return the position of the flags in the events that open a file."""
    return {
        entry.id: [param.name for param in entry.params].index("flags")
        for entry in event_table().events
        if entry.code in _OPENS
    }


def _reader(
    field_type: FieldType,
    get: Callable[[Event], Any],
    convert: Callable[[int], Any],
    points: tuple[int, ...] = (),
) -> Reader:
    """Return the reader of something that follows from the return value."""
    positions = {entry.id: 0 for entry in event_table().events if _returns(entry) is VARIES}
    stored = Stored(source="FK_FROM_RESULT", positions=positions, convert=convert, points=points)
    return Reader(type=field_type, get=get, by_code=_returns, stored=stored)


def _executable(event: Event) -> bool:
    try:
        mode = value(event, "mode")
    except KeyError:  # open_by_handle_at has none
        return False
    return isinstance(mode, int) and bool(mode & _EXECUTE)


def _returns(event_type: EventType | None) -> Any:
    """Return VARIES for events that have a return value, None for all others."""
    if event_type is None or event_type.id in GENERIC_SYSCALLS or not event_type.params:
        return None
    is_exit = event_type.dir == "<" and "EC_SYSCALL" in event_type.category_names
    return VARIES if is_exit else None


def _result(event: Event) -> int | None:
    if _returns(event.event_type) is None:
        return None
    params = event.params
    if not params:
        return None
    raw = params[0]
    # libsinsp does the same with a return value of any other width.
    return int.from_bytes(raw, event.byte_order, signed=True) if len(raw) in _WIDTHS else 0
