# SPDX-License-Identifier: Apache-2.0
"""The fields of a filter that read parameters: evt.arg, evt.rawarg, evt.args, evt.buffer.

The position of the parameter in the events of each code is determined when a filter is compiled; an
event then costs one look-up, one slice and the text of one parameter.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import event_table
from falcokit.capture.events.values import value
from falcokit.capture.filter.readers import VARIES, Reader, Stored
from falcokit.capture.render.args import arg_texts, args_text
from falcokit.capture.render.state import Scene
from falcokit.capture.render.types import shower
from falcokit.filter.types import FieldType
from falcokit.runtime.event.event_values import INTEGERS, STRINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType
    from falcokit.capture.render.state import Resolver, Show

__all__ = [
    "all_arguments",
    "argument",
    "argument_names",
    "buffer",
    "raw_argument",
]

#: libsinsp cuts buffers for the screen at 80 characters, Falco compares them whole.
_WHOLE: Final = 2**32


@functools.cache
def argument_names() -> frozenset[str]:
    """All names of parameters."""
    return frozenset(param.name for entry in event_table().events for param in entry.params)


def argument(name: str | int, resolver: Resolver | None) -> Reader:
    """Read a parameter's text, by name or position: the resolved text, else its number."""
    positions = _positions(name)
    show = functools.cache(_show)

    def get(event: Event) -> str | None:
        at = positions.get(event.code)
        params = event.params
        if at is None or at >= len(params):
            return None
        if not params[at]:
            return arg_texts(event)[at].raw
        scene = None if resolver is None else Scene(event, resolver)
        raw, resolved = show(event.code, at, event.byte_order)(params[at], scene)
        return resolved or raw

    buffers = {
        code: at
        for code, at in positions.items()
        if event_table().events[code].params[at].type == "PT_BYTEBUF"
    }
    kinds = {code: _SHOWN.get(kind, "FK_SHOWN_TEXT") for code, kind in _types(positions)}
    stored = None
    if resolver is None:
        stored = Stored(source="FK_FROM_TEXT", positions=positions, kinds=kinds)
    return Reader(
        type=FieldType.CHARBUF,
        get=get,
        by_code=_where(positions),
        buffers=buffers,
        stored=stored,
    )


def raw_argument(name: str) -> Reader:
    """Read a parameter's value: a number, text or bytes, depending on its type."""
    positions = _positions(name)
    buffers = {
        code
        for code, at in positions.items()
        if event_table().events[code].params[at].type == "PT_BYTEBUF"
    }

    def get(event: Event) -> Any:
        at = positions.get(event.code)
        if at is None:
            return None
        found = value(event, at)
        # Bytes that are stored and empty are a value, other parameters without bytes are none.
        return b"" if found is None and event.code in buffers and at < len(event.params) else found

    # Falco compares by the type of each event's own parameter, and reads constants by the first.
    first, at = next(iter(positions.items()))
    first_type = _field_type(event_table().events[first].params[at].type)
    kinds = {code: found for code, kind in _types(positions) if (found := _stored_kind(kind))}
    stored = Stored(
        source="FK_FROM_VALUE", positions=positions, kinds=kinds, convert=lambda found: found
    )
    return Reader(type=first_type, get=get, by_code=_where(positions), mixed=True, stored=stored)


def buffer() -> Reader:
    """Read the bytes of the parameter `data`."""
    positions = _positions("data")

    def get(event: Event) -> bytes | None:
        at = positions.get(event.code)
        params = event.params
        return None if at is None or at >= len(params) else params[at]

    stored = Stored(source="FK_FROM_BUFFER", positions=positions)
    return Reader(type=FieldType.BYTEBUF, get=get, by_code=_where(positions), stored=stored)


def all_arguments(resolver: Resolver | None) -> Reader:
    """Read the line of all parameters."""

    def get(event: Event) -> str:
        return args_text(event, resolver, buffer_chars=_WHOLE)

    stored = Stored(source="FK_FROM_ALL") if resolver is None else None
    return Reader(type=FieldType.CHARBUF, get=get, stored=stored)


#: How C reads parameters that need no text made of them.
_SHOWN: Final = {**dict.fromkeys(STRINGS, "FK_STRING"), "PT_BYTEBUF": "FK_BYTES"}


def _types(positions: dict[int, int]) -> Iterator[tuple[int, str]]:
    """Yield the type of the parameter for each event code."""
    for code, at in positions.items():
        yield code, event_table().events[code].params[at].type


def _stored_kind(param_type: str) -> str | None:
    if param_type in INTEGERS:
        return "FK_SIGNED" if INTEGERS[param_type][1] else "FK_UNSIGNED"
    return _SHOWN.get(param_type)


#: Types of parameters whose values are as those of others.
_AS: Final = {"PT_FD32": FieldType.FD, "PT_PID32": FieldType.PID}


def _field_type(param_type: str) -> FieldType:
    if param_type in _AS:
        return _AS[param_type]
    name = param_type.removeprefix("PT_")
    return FieldType(name) if name in FieldType.__members__ else FieldType.DYNAMIC


def _show(code: int, at: int, order: Any) -> Show:
    return shower(event_table().events[code].params[at], order, _WHOLE)


def _positions(name: str | int) -> dict[int, int]:
    """Return the position of the parameter for each event code, the first of its name."""
    found: dict[int, int] = {}
    for entry in event_table().events:
        if isinstance(name, int):
            if name < len(entry.params):
                found[entry.id] = name
            continue
        names = [param.name for param in entry.params]
        if name in names:
            found[entry.id] = names.index(name)
    return found


def _where(positions: dict[int, int]) -> Callable[[EventType | None], Any]:
    def by_code(event_type: EventType | None) -> Any:
        return VARIES if event_type is not None and event_type.id in positions else None

    return by_code
