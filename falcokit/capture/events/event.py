# SPDX-License-Identifier: Apache-2.0
"""One stored event: its header is decoded at once, its parameters on access.

Most users of a capture need the code and the time of most events, and the parameters of only a
few, so the body is kept and split late.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, final

from falcokit.capture.events.event_table import (
    ASYNC_EVENT,
    GENERIC_SYSCALLS,
    PLUGIN_EVENT,
    event_table,
)
from falcokit.capture.file.lengths import split_params
from falcokit.capture.file.stored_body import HELD_EVENT_BYTES, StoredBody, whole
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.format.layout import NOT_SET

if TYPE_CHECKING:
    from falcokit.capture.events.event_table import EventType
    from falcokit.capture.format.layout import BlockType, Layout

__all__ = ["Event"]

_STATE_ONLY: Final = 1
_NO_TIME: Final = (NOT_SET, 0)
_HEADER_BYTES: Final = 26
_HEADER_BYTES_V1: Final = 22
_ASYNC_PARAMS: Final = 3
_PLUGIN_PARAMS: Final = 2
_ID_BYTES: Final = 4
_LARGE_BYTES: Final = 1024 * 1024
#: Old writers stored the length of these (notification, infrastructure event) three too large.
_OVERLONG_V1: Final = {280: 3, 286: 3}


@final
class Event:
    """An event as stored: nothing is converted, merged or omitted, unlike in a replay."""

    __slots__ = (
        "_block",
        "_body",
        "_end",
        "_first",
        "_layout",
        "_params",
        "code",
        "cpu",
        "dump_flags",
        "leading",
        "number",
        "offset",
        "size",
        "stored_params",
        "tid",
        "ts_ns",
    )

    def __init__(
        self, *, number: int, offset: int, body: bytes, block: BlockType, layout: Layout
    ) -> None:
        """Decode the header; raise MalformedEventError when there is none."""
        try:
            # Unrolled into four cases: this runs for every event of a capture.
            if block.version == 1:
                header, nparams = _HEADER_BYTES_V1, None
                if block.flagged:
                    head = layout.event_v1_flagged
                    cpu, flags, ts, tid, length, code = head.unpack_from(body)
                else:
                    head, flags = layout.event_v1, 0
                    cpu, ts, tid, length, code = head.unpack_from(body)
                length -= _OVERLONG_V1.get(code, 0)
            elif block.flagged:
                header, head = _HEADER_BYTES, layout.event_flagged
                cpu, flags, ts, tid, length, code, nparams = head.unpack_from(body)
            else:
                header, head, flags = _HEADER_BYTES, layout.event, 0
                cpu, ts, tid, length, code, nparams = head.unpack_from(body)
        except struct.error as e:
            raise MalformedEventError(f"event {number} is too short for its header") from e
        first = head.size
        if length < header or first - header + length > len(body):
            raise MalformedEventError(f"event {number} declares the impossible length {length}")
        self.number: int = number
        self.offset: int = offset
        self.code: int = code
        #: Nanoseconds since the epoch; None for state, which has all ones or, long ago, zero.
        self.ts_ns: int | None = None if ts in _NO_TIME else ts
        self.tid: int | None = None if tid == NOT_SET else tid
        self.cpu: int = cpu
        self.dump_flags: int = flags
        #: The count of parameters in the header; None in the first version, which has none.
        self.stored_params: int | None = nparams
        self.size: int = length
        #: Part of the run at the section's head that a replay consumes while opening it.
        self.leading: bool = False
        self._body = body
        self._block = block
        self._layout = layout
        self._first: int = first
        self._end: int = first - header + length
        self._params: tuple[bytes, ...] | None = None

    @property
    def state_only(self) -> bool:
        """Whether the event was kept for its effect on the state and is hidden on replay."""
        return bool(self.dump_flags & _STATE_ONLY)

    @property
    def byte_order(self) -> Literal["big", "little"]:
        """The order of the writer's machine, which the integers in the parameters have."""
        return self._layout.order

    @property
    def event_type(self) -> EventType | None:
        """The entry of the event table, None when the writer knew a newer table."""
        return event_table().get(self.code)

    @property
    def params(self) -> tuple[bytes, ...]:
        """The raw parameters as stored; raise MalformedEventError when they contradict."""
        found = self._params
        if found is None:
            found = self._cut()
        return found if self._end <= HELD_EVENT_BYTES else tuple(map(whole, found))

    @property
    def comments(self) -> tuple[str, ...]:
        """Comments that users of Wireshark or Stratoshark added to the event; usually none."""
        start = (self._end + 3) & ~3  # the event is padded to four bytes
        if start >= len(self._body):
            return ()
        from falcokit.capture.format.sections import COMMENT, read_options  # noqa: PLC0415 - hardly ever

        found = read_options(self._body[start:], 0, self._layout)
        return tuple(text for code, text in found if code == COMMENT)

    @property
    def plugin_id(self) -> int | None:
        """The id in a plugin or async event, None for all others."""
        if self.code not in {PLUGIN_EVENT, ASYNC_EVENT}:
            return None
        raw = self._plugin_params()[0]
        return int.from_bytes(raw, self._layout.order)

    @property
    def async_name(self) -> str | None:
        """The name of an async event, None for all others."""
        if self.code != ASYNC_EVENT:
            return None
        return whole(self._plugin_params()[1]).rstrip(b"\0").decode("utf-8", "backslashreplace")

    @property
    def data(self) -> bytes:
        """The payload of a plugin or async event, empty for all others."""
        if self.code not in {PLUGIN_EVENT, ASYNC_EVENT}:
            return b""
        return whole(self._plugin_params()[-1])

    def data_start(self, limit: int) -> tuple[bytes, int]:
        """Return at most `limit` bytes of `data`, and its full size, at little cost."""
        if self.code not in {PLUGIN_EVENT, ASYNC_EVENT}:
            return b"", 0
        data = self._plugin_params()[-1]
        return data[:limit], len(data)

    @property
    def type(self) -> str:
        """The name as `evt.type` gives it: async events and plain system calls have their own."""
        own_name = None
        if self.code == ASYNC_EVENT or self.code in GENERIC_SYSCALLS:
            with suppress(MalformedEventError):
                own_name = self.async_name or self._syscall()
        return own_name or event_table().name(self.code)

    def _cut(self) -> tuple[bytes, ...]:
        """Cut the parameters; large ones of an event that is kept in a file stay there."""
        body = self._body
        if self._end < _LARGE_BYTES:
            data: bytes | memoryview = body[self._first : self._end]
        elif isinstance(body, StoredBody):
            data = body.part(self._first, self._end)
        else:
            data = memoryview(body)[self._first : self._end]
        params = self._params = split_params(
            data,
            stored=self.stored_params,
            event_type=self.event_type,
            large_block=self._block.large,
            layout=self._layout,
        )
        if params is None:
            raise MalformedEventError(f"the parameters of event {self.number} overrun it")
        return params

    def _syscall(self) -> str | None:
        params = self.params
        if self.code not in GENERIC_SYSCALLS or not params:
            return None
        return event_table().ppm_sc.get(int.from_bytes(params[0], self._layout.order))

    def _plugin_params(self) -> tuple[bytes, ...]:
        wanted = _ASYNC_PARAMS if self.code == ASYNC_EVENT else _PLUGIN_PARAMS
        params = (self._params or self._cut())[:wanted]
        if len(params) < wanted or len(params[0]) != _ID_BYTES:
            raise MalformedEventError(f"event {self.number} lacks a parameter of its type")
        return params
