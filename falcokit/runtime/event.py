# SPDX-License-Identifier: Apache-2.0
"""Events as bytes: the layout of async (402) and plugin (322) events, both ways.

    0 ts u64 · 8 tid u64 · 16 len u32 · 20 type u16 · 22 nparams u32 · 26 lengths u32 each
    402: 38 plugin id u32 · 42 name and NUL · data         322: 34 plugin id u32 · 38 data

Used by the in-process driver, by parse_event, and as the reference for the C encoder.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from falcokit.runtime.errors import EventTooLargeError, InvalidEventError

if TYPE_CHECKING:
    from typing import Final

__all__ = [
    "ASYNC_EVENT",
    "MAX_DATA",
    "MAX_NAME",
    "NOT_SET",
    "PLUGIN_EVENT",
    "AsyncEvent",
    "Event",
    "encode_async",
    "payload_bytes",
]

PLUGIN_EVENT: Final = 322
ASYNC_EVENT: Final = 402
#: "assign it for me" in a timestamp, "none" in a thread id.
NOT_SET: Final = 2**64 - 1
#: Bytes of an async event's name; the framework's event table keeps no more.
MAX_NAME: Final = 31
#: Bytes of data in one async event.
MAX_DATA: Final = 2**26

_HEADER: Final = struct.Struct("=QQIHI")
_ASYNC_LENGTHS: Final = struct.Struct("=IIII")
_PLUGIN_LENGTHS: Final = struct.Struct("=III")


class AsyncEvent(NamedTuple):
    """An async event to emit, for producers that set more than its data.

    Attributes:
        name: One of the plugin's `async_events`.
        data: bytes, str (sent as UTF-8), or an object that JSON can hold; None sends no data.
        ts_ns: Nanoseconds since the epoch; None lets the framework assign it, which is prompt. A
            timestamp of your own holds the event back until the source has reached it.
        tid: The thread it belongs to; None for none. Plugin event sources refuse any other.
        plugin_id: Used in `dump_state` only: the id of the event source that a replay finds it
            under, 0 for syscalls. Live events get theirs from the framework.

    """

    name: str
    data: Any = None
    ts_ns: int | None = None
    tid: int | None = None
    plugin_id: int = 0


class Event(NamedTuple):
    """An event as a plugin reads it in `parse_event`, or a test from the in-process driver.

    Attributes:
        ts_ns: Nanoseconds since the epoch, or None where it was not set.
        tid: Thread id, or None.
        type: Event code: 402 for async events, 322 for plugin events.
        source: Name of the event source ("syscall" for plugin id 0), or None where it is unknown.
        number: The framework's number for it; it may skip.
        name: Name of an async event, else None.
        data: Its data, undecoded.
        plugin_id: Id of the source plugin, 0 for syscalls.

    """

    ts_ns: int | None
    tid: int | None
    type: int
    source: str | None
    number: int
    name: str | None
    data: bytes
    plugin_id: int

    @classmethod
    def from_bytes(cls, raw: bytes, *, source: str | None = None, number: int = 0) -> Event:
        """Decode one event.

        Raises:
            ValueError: the lengths do not add up, or it is neither an async nor a plugin event.

        """
        if len(raw) < _HEADER.size:
            raise ValueError(f"an event has a header of {_HEADER.size} bytes, not {len(raw)}")
        ts, tid, length, code, nparams = _HEADER.unpack_from(raw)
        expected = {ASYNC_EVENT: 3, PLUGIN_EVENT: 2}.get(code)
        if expected is None:
            raise ValueError(f"event type {code} is neither async (402) nor plugin (322)")
        head = _HEADER.size + 4 * expected
        if nparams != expected or not head <= length <= len(raw):
            raise ValueError(f"event of type {code} with {nparams} parameters, {length} bytes")
        lengths = struct.unpack_from(f"={expected}I", raw, _HEADER.size)
        if lengths[0] != 4 or head + sum(lengths) > length:  # noqa: PLR2004  # a u32
            raise ValueError(f"event of type {code}: lengths {lengths} do not fit {length} bytes")
        plugin_id = struct.unpack_from("=I", raw, head)[0]
        at, name = head + 4, None
        if code == ASYNC_EVENT:
            name = raw[at : at + lengths[1]].split(b"\0", 1)[0].decode(errors="replace")
            at += lengths[1]
        return cls(
            ts_ns=None if ts == NOT_SET else ts,
            tid=None if tid == NOT_SET else tid,
            type=code,
            source=source,
            number=number,
            name=name,
            data=raw[at : at + lengths[-1]],
            plugin_id=plugin_id,
        )


def payload_bytes(data: object) -> bytes:
    """Return what is sent for `data`: bytes as they are, str as UTF-8, nothing for None, else JSON.

    Raises:
        InvalidEventError: JSON cannot hold the object.

    """
    if data is None:
        return b""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if isinstance(data, str):
        try:
            return data.encode()
        except UnicodeEncodeError as e:
            raise InvalidEventError(str(e)) from e
    import msgspec  # noqa: PLC0415  # 20 ms and 3 MB that a plugin emitting bytes does not pay

    try:
        return msgspec.json.encode(data)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as e:
        raise InvalidEventError(str(e)) from e


def _u64(what: str, value: int | None) -> int:
    if value is None or value == -1:  # as the C API writes "not set"
        return NOT_SET
    if not isinstance(value, int) or not 0 <= value <= NOT_SET:
        raise InvalidEventError(f"{what} is an int from 0 to 2**64-1 or None, not {value!r}")
    return value


def encode_async(event: AsyncEvent) -> bytes:
    """Return the bytes of an async event.

    Raises:
        InvalidEventError: the name or the data cannot be encoded.

    """
    name = event.name.encode()
    if not 0 < len(name) <= MAX_NAME or b"\0" in name:
        raise InvalidEventError(f"the name of an async event is 1 to {MAX_NAME} bytes: {name!r}")
    data = payload_bytes(event.data)
    if len(data) > MAX_DATA:
        raise EventTooLargeError(
            f"the data of an async event is at most {MAX_DATA} bytes, not {len(data)}"
        )
    if not isinstance(event.plugin_id, int) or not 0 <= event.plugin_id < 2**32:
        raise InvalidEventError(f"plugin_id is an int from 0 to 2**32-1, not {event.plugin_id!r}")
    total = _HEADER.size + _ASYNC_LENGTHS.size + len(name) + 1 + len(data)
    ts, tid = _u64("ts_ns", event.ts_ns), _u64("tid", event.tid)
    return b"".join(
        (
            _HEADER.pack(ts, tid, total, ASYNC_EVENT, 3),
            _ASYNC_LENGTHS.pack(4, len(name) + 1, len(data), event.plugin_id),
            name,
            b"\0",
            data,
        )
    )
