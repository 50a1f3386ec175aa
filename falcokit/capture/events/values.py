# SPDX-License-Identifier: Apache-2.0
"""The parameters of an event as Python values, decoded on access.

`value` decodes one, for filters, columns and scripts; `values` decodes all. Texts for people are
made in `render`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from falcokit.capture.events.event_table import event_table
from falcokit.runtime.event import event_values

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import Param
    from falcokit.runtime.event.event_values import Decode, Value
    from falcokit.runtime.event.socket_values import ByteOrder

__all__ = [
    "MAX_SHAPES",
    "NULL_WHEN_EMPTY",
    "Arg",
    "decoder",
    "dynamic_param",
    "param_name",
    "value",
    "values",
]

#: Empty parameters of these types were known before the others could be empty: shown as NULL.
NULL_WHEN_EMPTY: Final = frozenset(
    {
        "PT_BYTEBUF",
        "PT_SOCKTUPLE",
        "PT_FDLIST",
        "PT_CHARBUFARRAY",
        "PT_CHARBUF_PAIR_ARRAY",
        "PT_DYN",
    }
)

#: Compiled event codes kept: all of the table in both byte orders, and some of newer tables.
MAX_SHAPES: Final = 1024


class Arg(NamedTuple):
    """One parameter: name and PT_* type of the event table, stored bytes, decoded value.

    `value` is None for an empty parameter and for a null string. Integers, flags, user ids and
    times (ns) are int, strings str, buffers bytes. Parameters that the table does not know
    are called param17 and so on, by their position from 0, and have the type PT_NONE.
    Bytes that contradict their type stay bytes.
    """

    name: str
    type: str
    raw: bytes
    value: Value


class _Shape(NamedTuple):
    """How to read the events of one code and byte order."""

    params: tuple[Param, ...]
    decoders: tuple[Decode, ...]
    positions: dict[str, int]


def values(event: Event) -> tuple[Arg, ...]:
    """Decode all stored parameters; raise MalformedEventError when their lengths contradict."""
    params, decoders, _ = _shape(event.code, event.byte_order)
    stored = event.params
    args = [
        Arg(param.name, _type_of(param, raw), raw, decode(raw) if raw else None)
        for param, decode, raw in zip(params, decoders, stored, strict=False)
    ]
    args += [
        Arg(param_name(at), "PT_NONE", raw, raw or None)
        for at, raw in enumerate(stored[len(params) :], len(params))
    ]
    return tuple(args)


def value(event: Event, key: int | str) -> Value:
    """Decode one parameter, by position or by name.

    None stands for an empty parameter, a null string, and one that the writer did not have yet.
    Raise KeyError if this event code has no such parameter, MalformedEventError as `values`.
    """
    shape = _shape(event.code, event.byte_order)
    stored = event.params
    at = shape.positions.get(key) if isinstance(key, str) else key
    if at is None:
        at = _extra_position(str(key), len(shape.params), len(stored))
    if not 0 <= at < max(len(shape.params), len(stored)):
        raise KeyError(key)
    raw = stored[at] if at < len(stored) else b""
    if not raw:
        return None
    return shape.decoders[at](raw) if at < len(shape.decoders) else raw


def dynamic_param(param: Param, raw: bytes) -> Param | None:
    """Return the actual parameter of a PT_DYN by its first byte, None for an unknown index."""
    choices = event_table().dynamic_tables.get(param.dynamic or "", ())
    return choices[raw[0]] if raw and raw[0] < len(choices) else None


def decoder(param: Param, order: ByteOrder) -> Decode:
    """Return the function that decodes a parameter that is not empty."""
    choices = event_table().dynamic_tables.get(param.dynamic or "", ())
    return event_values.decoder(param.type, order, tuple(choice.type for choice in choices))


def param_name(position: int) -> str:
    """Name a parameter that the event table does not know."""
    return f"param{position}"


@functools.lru_cache(maxsize=MAX_SHAPES)
def _shape(code: int, order: ByteOrder) -> _Shape:
    event_type = event_table().get(code)
    params = event_type.params if event_type else ()
    return _Shape(
        params=params,
        decoders=tuple(decoder(param, order) for param in params),
        positions={param.name: at for at, param in enumerate(params)},
    )


def _extra_position(name: str, known: int, stored: int) -> int:
    for at in range(known, stored):
        if name == param_name(at):
            return at
    raise KeyError(name)


def _type_of(param: Param, raw: bytes) -> str:
    if param.type != "PT_DYN":
        return param.type
    inner = dynamic_param(param, raw)
    return inner.type if inner else param.type
