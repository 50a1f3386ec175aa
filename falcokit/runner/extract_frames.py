# SPDX-License-Identifier: Apache-2.0
"""Encodes stored events for the runner: with today's header and this machine's byte order.

The format of a frame is described in native/src/runner/extract/input.h. Events are rebuilt from
their parameters, so contradictory lengths never reach a plugin.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING, Final

from falcokit.capture.events.event_table import ASYNC_EVENT, PLUGIN_EVENT
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.format.layout import NOT_SET
from falcokit.runtime.event.event_params import raw_event

if TYPE_CHECKING:
    from collections.abc import Collection

    from falcokit.capture.events.event import Event

__all__ = [
    "ASK_FRAME",
    "BEGIN_FRAME",
    "EVENT_FRAME",
    "STATE_FRAME",
    "FrameEncoder",
    "columns_frame",
    "threads_frame",
]

# size, kind, number; then the event
_FRAME_HEAD: Final = struct.Struct("=IIQ")
# the same with the lengths of a plugin event's or an async event's parameters, and the id
_PLUGIN_FRAME: Final = struct.Struct("=IIQQQIHI2II")
_ASYNC_FRAME: Final = struct.Struct("=IIQQQIHI3II")
_FRAME_HEADER_BYTES: Final = 16
_ID_BYTES: Final = 4
_PLUGIN_PARAMS: Final = 2
_ASYNC_PARAMS: Final = 3
_HEAD: Final = struct.Struct("=IIQ")
#: Kinds of frames: an event, and one that only parsers see.
EVENT_FRAME: Final = 0
STATE_FRAME: Final = 1
_THREADS_FRAME: Final = 2
_BEGIN_KIND: Final = 3
_ASK_KIND: Final = 4
_COLUMNS_KIND: Final = 5
_COLUMNS_FRAME: Final = struct.Struct("=IIQII")
#: The state at the head of a capture is complete.
BEGIN_FRAME: Final = _HEAD.pack(0, _BEGIN_KIND, 0)
#: A report "answered" is wanted when all that came before has been.
ASK_FRAME: Final = _HEAD.pack(0, _ASK_KIND, 0)
_PADDING: Final = tuple(bytes(-size % 8) for size in range(8))


def threads_frame(changes: bytes) -> bytes:
    """Return the frame of changes of the table `threads`."""
    return _HEAD.pack(len(changes), _THREADS_FRAME, 0) + changes + _PADDING[len(changes) & 7]


def columns_frame(first: int, end: int) -> bytes:
    """Return the frame after which rows have these columns."""
    return _COLUMNS_FRAME.pack(8, _COLUMNS_KIND, 0, first, end)


class FrameEncoder:
    """Makes frames of the events that a plugin wants."""

    def __init__(self, *, codes: Collection[int], plugin_ids: Collection[int] | None) -> None:
        """Accept `codes`; of plugin and async events only those of `plugin_ids`, None: all."""
        self._codes = frozenset(codes)
        self._plugin_ids = None if plugin_ids is None else frozenset(plugin_ids)
        #: Events of these codes that are damaged, or of a machine with another byte order.
        self.refused = 0

    def encode(self, event: Event, kind: int = EVENT_FRAME) -> bytes | None:
        """Return the frame of `event`; None when the plugin does not want it, or it is damaged."""
        code = event.code
        if code not in self._codes:
            return None
        try:
            if code == PLUGIN_EVENT:
                return self._plugin_event(event, kind)
            if code == ASYNC_EVENT:
                return self._async_event(event, kind)
            frame = _other(event, kind)
        except (MalformedEventError, struct.error):
            frame = None
        self.refused += frame is None
        return frame

    def _plugin_event(self, event: Event, kind: int) -> bytes | None:
        params = event.params
        plugin_id = self._wanted_id(event, params, _PLUGIN_PARAMS)
        if plugin_id is None:
            return None
        data = params[1]
        size = _PLUGIN_FRAME.size - _FRAME_HEADER_BYTES + len(data)
        ts, tid = event.ts_ns, event.tid
        head = _PLUGIN_FRAME.pack(
            size,
            kind,
            event.number,
            NOT_SET if ts is None else ts,
            NOT_SET if tid is None else tid,
            size,
            PLUGIN_EVENT,
            _PLUGIN_PARAMS,
            _ID_BYTES,
            len(data),
            plugin_id,
        )
        return head + data + _PADDING[size & 7]

    def _async_event(self, event: Event, kind: int) -> bytes | None:
        params = event.params
        plugin_id = self._wanted_id(event, params, _ASYNC_PARAMS)
        if plugin_id is None:
            return None
        if params[1][-1:] != b"\0":  # a plugin reads the name up to its end
            raise MalformedEventError(f"the name in event {event.number} does not end")
        name, data = params[1], params[2]
        size = _ASYNC_FRAME.size - _FRAME_HEADER_BYTES + len(name) + len(data)
        ts, tid = event.ts_ns, event.tid
        head = _ASYNC_FRAME.pack(
            size,
            kind,
            event.number,
            NOT_SET if ts is None else ts,
            NOT_SET if tid is None else tid,
            size,
            ASYNC_EVENT,
            _ASYNC_PARAMS,
            _ID_BYTES,
            len(name),
            len(data),
            plugin_id,
        )
        return head + name + data + _PADDING[size & 7]

    def _wanted_id(self, event: Event, params: tuple[bytes, ...], count: int) -> int | None:
        if len(params) < count or len(params[0]) != _ID_BYTES:
            raise MalformedEventError(f"event {event.number} lacks a parameter of its type")
        plugin_id = int.from_bytes(params[0], event.byte_order)
        if self._plugin_ids is not None and plugin_id not in self._plugin_ids:
            return None
        return plugin_id


def _other(event: Event, kind: int) -> bytes | None:
    event_type = event.event_type
    if event_type is None or event.byte_order != sys.byteorder:
        return None  # the width of its lengths, and which of its bytes are numbers, is unknown
    try:
        raw = raw_event(event.code, event.params, ts_ns=event.ts_ns, tid=event.tid)
    except ValueError:
        return None
    return _FRAME_HEAD.pack(len(raw), kind, event.number) + raw + _PADDING[len(raw) & 7]
