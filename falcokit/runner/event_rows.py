# SPDX-License-Identifier: Apache-2.0
"""Rows: a compact value for every event that passes a running plugin, with values of its fields.

They are asked for with `RunOptions.rows` and arrive in reports of the kind "rows";
native/src/runner/capture/event_rows.h describes their form.
"""

from __future__ import annotations

import base64
import struct
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from falcokit.capture.events.event import Event
from falcokit.capture.format.layout import BIG, EVENT_BLOCKS, LITTLE

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["EventRow", "FieldValue", "RowDecoder", "event_of"]

_HEAD: Final = struct.Struct("=HQqIHI")  # processor, then the header of an event
_HEADER_BYTES: Final = 26
_BLOCK: Final = 0x216
_LAYOUT: Final = LITTLE if sys.byteorder == "little" else BIG

#: Times are ns, addresses are text, bytes of a text that are not UTF-8 are surrogates.
FieldValue: TypeAlias = int | str | bool | list[Any] | None


class EventRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One event."""

    number: int
    ts_ns: int
    plugin_id: int
    source: str
    """Of the event: "syscall" or a plugin's; empty if no loaded plugin knows it."""
    name: str | None
    """Of an async event."""
    data: bytes | None
    """Of an async event, its first 64 KiB."""
    size: int
    """Of the data of an async event, or of a plugin event's payload."""
    values: tuple[Any, ...] | None
    """One for each requested field, None for a missing one; None if the plugin does not extract
    fields from such an event."""
    encoded: bool = False
    """Used by RowDecoder: a text among the values is not UTF-8."""
    text: str | None = None
    """What the plugin's `event_to_string` says, if `evt.plugininfo` was asked for."""


class _Rows(msgspec.Struct):
    rows: list[EventRow]


class RowDecoder:
    """Reads reports of rows."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Rows)

    def decode(self, line: bytes) -> list[EventRow]:
        """Return the rows of one report."""
        rows = self._decoder.decode(line).rows
        if any(row.encoded for row in rows):
            return [_exact(row) if row.encoded else row for row in rows]
        return rows


def _exact(row: EventRow) -> EventRow:
    return msgspec.structs.replace(row, values=tuple(_texts(row.values or ())), encoded=False)


def _texts(values: Iterable[Any]) -> Iterable[FieldValue]:
    for value in values:
        if isinstance(value, dict):
            yield base64.b64decode(value["base64"]).decode("utf-8", "surrogateescape")
        else:
            yield list(_texts(value)) if isinstance(value, list) else value


def event_of(*, number: int, ts_ns: int, tid: int, code: int, count: int, params: bytes) -> Event:
    """Return an event that has passed the runner as one of a capture.

    `params` are the lengths and the bytes of its `count` parameters; `tid` is -1 for no thread.
    Raises MalformedEventError.
    """
    body = _HEAD.pack(0, ts_ns, tid, _HEADER_BYTES + len(params), code, count) + params
    return Event(number=number, offset=0, body=body, block=EVENT_BLOCKS[_BLOCK], layout=_LAYOUT)
