# SPDX-License-Identifier: Apache-2.0
"""The parameters of an event by name: `Event.params`.

`event_values` lists the types of the values. The bytes come from the kernel driver, a plugin or an
untrusted capture file: contradictory lengths raise ValueError, and nothing else is ever raised.
"""

from __future__ import annotations

import functools
import struct
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.event.event_types import event_type
from falcokit.runtime.event.event_values import decoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.runtime.event.event_values import Decode

__all__ = ["Params", "decode_params", "raw_event", "split_params"]

_NOT_SET: Final = 2**64 - 1  # a timestamp or a thread
_MOST: Final = 64  # parameters; the event table has at most 32 of one event
_HEADER: Final = struct.Struct("=QQIHI")  # ts, tid, length, code, number of parameters


class Params(Mapping[str, Any]):
    """The parameters of one event: name -> value, decoded on access.

    None stands for an empty parameter, a null string, or a parameter that the writer of the event
    did not have yet. Parameters unknown to falcokit are bytes and named by position, as param17.
    """

    __slots__ = ("_code", "_raw", "_shape", "_values")

    def __init__(self, code: int, raw: list[bytes]) -> None:
        self._code = code
        self._shape = _shape(code, len(raw))
        self._raw = raw
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return the value of a parameter; KeyError when this event type has no such parameter."""
        try:
            return self._values[name]
        except KeyError:
            position, decode = self._shape[name]
        raw = self._raw[position] if position < len(self._raw) else b""
        value = self._values[name] = decode(raw) if raw else None
        return value

    def variant(self, name: str) -> str | None:
        """Return which of its types a parameter of several has: "fd" or "errno", for res_or_fd.

        None for a parameter of one type, and for an empty one; KeyError as above.
        """
        position, _ = self._shape[name]
        raw = self._raw[position] if position < len(self._raw) else b""
        choices = _choices(self._code, position)
        return choices[raw[0]] if raw and raw[0] < len(choices) else None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order of the parameters."""
        return iter(self._shape)

    def __len__(self) -> int:
        """Return the number of parameters."""
        return len(self._shape)

    def __repr__(self) -> str:
        """Show all values."""
        return repr(dict(self))


def _nothing(raw: bytes) -> bytes:
    return raw


@functools.lru_cache(maxsize=1024)
def _shape(code: int, stored: int) -> dict[str, tuple[int, Decode]]:
    known = event_type(code)
    params = known.params if known else ()
    shape = {
        param.name: (at, decoder(param.type, sys.byteorder, param.choices))
        for at, param in enumerate(params)
    }
    return shape | {f"param{at}": (at, _nothing) for at in range(len(params), stored)}


def _choices(code: int, position: int) -> tuple[str, ...]:
    known = event_type(code)
    params = known.params if known else ()
    choices = params[position].choices if position < len(params) else ()
    return tuple(choice.removeprefix("PT_").lower() for choice in choices)


def decode_params(type: int, raw: bytes) -> Params:  # noqa: A002  # as in Event
    """Return the parameters of an event.

    Args:
        type: The event's code.
        raw: The whole event, from its header.

    Raises:
        ValueError: the lengths contradict each other.

    """
    values = split_params(type, raw)
    return Params(type, values)


def split_params(type: int, raw: bytes) -> list[bytes]:  # noqa: A002  # as in Event
    """Return the bytes of each parameter of an event; errors as of `decode_params`."""
    if len(raw) < _HEADER.size:
        raise ValueError(f"an event has a header of {_HEADER.size} bytes, not {len(raw)}")
    _, _, length, _, count = _HEADER.unpack_from(raw)
    known = event_type(type)
    width, letter = (4, "I") if known and known.large else (2, "H")
    at = _HEADER.size + width * count
    if count > _MOST or not at <= length <= len(raw):
        raise ValueError(f"event of type {type} with {count} parameters in {length} bytes")
    lengths = struct.unpack_from(f"={count}{letter}", raw, _HEADER.size)
    if at + sum(lengths) > length:
        raise ValueError(f"event of type {type}: its parameters do not fit {length} bytes")
    values = []
    for size in lengths:
        values.append(raw[at : at + size])
        at += size
    return values


def raw_event(code: int, params: Sequence[bytes], *, ts_ns: int | None, tid: int | None) -> bytes:
    """Return an event in the framework's format, in this machine's byte order.

    Raises:
        ValueError: time, thread or the size of a parameter do not fit their field.

    """
    known = event_type(code)
    width = "I" if known and known.large else "H"
    data = b"".join(params)
    size = _HEADER.size + struct.calcsize(width) * len(params) + len(data)
    ts = _NOT_SET if ts_ns is None else ts_ns
    thread = _NOT_SET if tid is None or tid == -1 else tid
    try:
        head = _HEADER.pack(ts, thread, size, code, len(params))
        lengths = struct.pack(f"={len(params)}{width}", *map(len, params))
    except struct.error as e:
        raise ValueError(f"time, thread or a length do not fit their field ({e})") from e
    return head + lengths + data
