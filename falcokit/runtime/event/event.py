# SPDX-License-Identifier: Apache-2.0
"""Events as bytes: the layout of async (402) and plugin (322) events, both ways.

    0 ts u64 · 8 tid u64 · 16 len u32 · 20 type u16 · 22 nparams u32 · 26 lengths u32 each
    402: 38 plugin id u32 · 42 name and NUL · data         322: 34 plugin id u32 · 38 data

The reference for the C encoder.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from falcokit.runtime.base.errors import EventTooLargeError, InvalidEventError
from falcokit.runtime.event.event_payload import (
    ASYNC_EVENT,
    HEADER,
    PARAMS,
    PLUGIN_EVENT,
    ascii_json,
    decode_json,
    encode_json,
    params_of,
    payload,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

__all__ = [
    "ASYNC_EVENT",
    "MAX_DATA",
    "MAX_NAME",
    "NOT_SET",
    "PLUGIN_EVENT",
    "PLUGIN_PAYLOAD",
    "AsyncEvent",
    "Event",
    "encode_async",
    "payload_bytes",
]

#: Where the data of a plugin event begins.
PLUGIN_PAYLOAD: Final = 38
#: As a timestamp: the framework assigns it; as a thread id: none.
NOT_SET: Final = 2**64 - 1
#: Maximum bytes of an async event's name: the framework keeps no more.
MAX_NAME: Final = 31
#: Maximum bytes of data in one async event.
MAX_DATA: Final = 2**26

_ASYNC_LENGTHS: Final = struct.Struct("=IIII")
_PLUGIN_LENGTHS: Final = struct.Struct("=III")


class AsyncEvent(NamedTuple):
    """An async event to emit, for producers that set more than the data.

    Attributes:
        name: One of the plugin's `async_events`.
        data: bytes, str (sent as UTF-8), or an object that JSON can hold; None sends no data.
        ts_ns: Nanoseconds since the epoch; None lets the framework assign it, without delay. With
            your own timestamp the event waits until the event source has reached that time.
        tid: The thread it belongs to; None for none. Plugin event sources accept only None.
        plugin_id: Used in `dump_state` only: the id of the event source under which a replay finds
            it, 0 for syscalls; None is the plugin's own, or 0. The framework sets that of live
            events.

    """

    name: str
    data: Any = None
    ts_ns: int | None = None
    tid: int | None = None
    plugin_id: int | None = None


class Event:
    """An event as hooks receive it, and as tests create it; immutable.

    Inside the host it reads the host's memory while the hook runs; if Python keeps it longer, it
    becomes a copy. All fields of one event get the same object.

    Args:
        data: The payload of a plugin or async event.
        ts_ns: Nanoseconds since the epoch; None: not set.
        tid: Thread id; None: none.
        type: Event code: 322 for plugin events, 402 for async events.
        source: Name of the event source.
        number: The framework's number for it, 0 for none; numbers may be skipped.
        name: Name of an async event.
        plugin_id: Id of the source plugin, 0 for syscalls.

    Attributes:
        ts_ns: Nanoseconds since the epoch, or None if it was not set.
        tid: Thread id, or None.
        type: Event code: 402 for async events, 322 for plugin events.
        source: Name of the event source ("syscall" for plugin id 0), or None if it is unknown.
        number: The framework's number for it; numbers may be skipped.
        name: Name of an async event, else None.
        data: The payload of a plugin or async event, undecoded; b"" for all others. ValueError:
            the event's lengths contradict each other.
        plugin_id: Id of the source plugin, 0 for syscalls.
        raw: The whole event with its header, in the framework's format.
        json: The payload parsed as JSON, once per event and shared: do not modify it. ValueError:
            it is not JSON.
        params: The decoded parameters by name, decoded once.
        cache: A dict for the plugin's own use, which lives as long as the event.

    """

    __slots__ = ()
    ts_ns: int | None
    tid: int | None
    type: int
    source: str | None
    number: int
    name: str | None
    data: bytes
    plugin_id: int
    raw: bytes
    json: Any
    params: Mapping[str, Any]
    cache: dict[Any, Any]

    def __new__(
        cls,
        data: bytes = b"",
        *,
        ts_ns: int | None = None,
        tid: int | None = None,
        type: int = PLUGIN_EVENT,  # noqa: A002  # the framework's name for it
        source: str | None = None,
        number: int = 0,
        name: str | None = None,
        plugin_id: int = 0,
    ) -> Self:
        """Make an event, for tests."""
        made: Any = object.__new__(_MadeEvent)
        values = (data, ts_ns, tid, type, source, number, name, plugin_id)
        for attribute, value in zip(_FIELDS, values, strict=True):
            _set(made, attribute, value)
        return made  # type: ignore[no-any-return]

    @classmethod
    def from_bytes(cls, raw: bytes, *, source: str | None = None, number: int = 0) -> Event:
        """Decode one event.

        Raises:
            ValueError: the lengths contradict each other.

        """
        if len(raw) < HEADER.size:
            raise ValueError(f"an event has a header of {HEADER.size} bytes, not {len(raw)}")
        ts, tid, length, code, nparams = HEADER.unpack_from(raw)
        if not HEADER.size <= length <= len(raw):
            raise ValueError(f"event of type {code} with {nparams} parameters, {length} bytes")
        name, data, plugin_id = payload(raw, length, code, nparams)
        made = Event(
            data,
            ts_ns=None if ts == NOT_SET else ts,
            tid=None if tid == NOT_SET else tid,
            type=code,
            source=source,
            number=number,
            name=name,
            plugin_id=plugin_id,
        )
        _set(made, "raw", raw[:length])
        return made

    def replace(self, **changes: Any) -> Event:
        """Return a copy with some attributes changed; event types without a payload keep `raw`."""
        values = {attribute: getattr(self, attribute) for attribute in _FIELDS}
        if self.type not in PARAMS:
            return Event.from_bytes(self.raw, source=self.source, number=self.number)
        return Event(**(values | changes))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return all(getattr(self, a) == getattr(other, a) for a in _FIELDS) and (
            self.type in PARAMS or self.raw == other.raw
        )

    def __hash__(self) -> int:
        return hash((self.ts_ns, self.type, self.number))

    def __repr__(self) -> str:
        values = ", ".join(f"{a}={getattr(self, a)!r}" for a in _FIELDS)
        return f"Event({values})"


_FIELDS: Final = ("data", "ts_ns", "tid", "type", "source", "number", "name", "plugin_id")
_set: Final = object.__setattr__


class _MadeEvent(Event):
    """An event with its own attributes; those that are rarely used are made on first access."""

    __slots__ = (*_FIELDS, "cache", "json", "params", "raw")

    def __getattr__(self, name: str) -> Any:
        make = _LATE.get(name)
        if make is None:
            raise AttributeError(f"an event has no attribute {name!r}")
        value = make(self)
        _set(self, name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an event cannot be changed: {name}")


def _encode(event: Event) -> bytes:
    if event.type == ASYNC_EVENT:
        return encode_async(
            AsyncEvent(event.name or "", event.data, event.ts_ns, event.tid, event.plugin_id)
        )
    if event.type != PLUGIN_EVENT:
        raise ValueError(f"use Event.from_bytes to make an event of type {event.type}")
    ts, tid, size = _u64("ts_ns", event.ts_ns), _u64("tid", event.tid), len(event.data)
    head = HEADER.pack(ts, tid, PLUGIN_PAYLOAD + size, PLUGIN_EVENT, 2)
    return b"".join((head, _PLUGIN_LENGTHS.pack(4, size, event.plugin_id), event.data))


_LATE: Final[dict[str, Callable[[Event], Any]]] = {
    "raw": _encode,
    "json": lambda event: decode_json(event.data),
    "params": params_of,
    "cache": lambda _: {},
}


def payload_bytes(data: object) -> bytes:
    """Return the bytes to send for `data`: bytes unchanged, str as UTF-8, None as b"", else JSON.

    The JSON is ASCII: Falco shows each non-ASCII byte of an async event's data as a dot.

    Raises:
        InvalidEventError: JSON cannot hold the object, or a text has half of a surrogate pair.

    """
    if data is None:
        return b""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    try:
        # File names need not be UTF-8: their bytes are sent.
        if isinstance(data, str):
            return data.encode(errors="surrogateescape")
        encoded = encode_json(data)
    except RecursionError as e:
        raise InvalidEventError("it is nested too deeply for JSON") from e
    except (TypeError, ValueError) as e:
        raise InvalidEventError(str(e)) from e
    return encoded if encoded.isascii() else ascii_json(encoded)


def _u64(what: str, value: int | None) -> int:
    if value is None or value == -1:  # -1 is "not set" in the C API
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
    plugin_id = 0 if event.plugin_id is None else event.plugin_id
    if not isinstance(plugin_id, int) or not 0 <= plugin_id < 2**32:
        raise InvalidEventError(f"plugin_id is an int from 0 to 2**32-1, not {plugin_id!r}")
    total = HEADER.size + _ASYNC_LENGTHS.size + len(name) + 1 + len(data)
    ts, tid = _u64("ts_ns", event.ts_ns), _u64("tid", event.tid)
    return b"".join(
        (
            HEADER.pack(ts, tid, total, ASYNC_EVENT, 3),
            _ASYNC_LENGTHS.pack(4, len(name) + 1, len(data), plugin_id),
            name,
            b"\0",
            data,
        )
    )
