# SPDX-License-Identifier: Apache-2.0
"""The parameters of an event, by name: what `Event.params` is.

Values have the types that `event_values` lists. The bytes come from the kernel's driver, from a
plugin or from a capture file of anyone's: what does not add up is a ValueError, and nothing else.
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
    from falcokit.runtime.event.event_values import Decode

__all__ = ["Params", "decode_params"]

_MOST: Final = 64  # the event table has 32 at most
_HEADER: Final = struct.Struct("=QQIHI")  # ts, tid, length, code, number of parameters


class Params(Mapping[str, Any]):
    """The parameters of one event: name -> value, decoded when it is asked for.

    None stands for an empty parameter, a null string, and one that whoever wrote the event did not
    know yet. Those that falcokit does not know are param17 and so on, by position, as bytes.
    """

    __slots__ = ("_raw", "_shape", "_values")

    def __init__(self, shape: dict[str, tuple[int, Decode]], raw: list[bytes]) -> None:
        self._shape = shape
        self._raw = raw
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return the value of a parameter; KeyError when such events have none of that name."""
        try:
            return self._values[name]
        except KeyError:
            position, decode = self._shape[name]
        raw = self._raw[position] if position < len(self._raw) else b""
        value = self._values[name] = decode(raw) if raw else None
        return value

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order of the parameters."""
        return iter(self._shape)

    def __len__(self) -> int:
        """Return how many parameters such events have."""
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


def decode_params(type: int, raw: bytes) -> Params:  # noqa: A002  # the event's word
    """Return the parameters of an event.

    Args:
        type: The event's code.
        raw: The whole event, from its header.

    Raises:
        ValueError: the lengths do not add up.

    """
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
    return Params(_shape(type, count), values)
