# SPDX-License-Identifier: Apache-2.0
"""The fields of a filter that read parameters: evt.arg, evt.rawarg, evt.args, evt.buffer.

The position of the parameter in the events of each code is determined when a filter is compiled; an
event then costs one look-up, one slice and the text of one parameter.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.decoding import INTEGERS, STRINGS
from falcokit.capture.events.event_table import event_table
from falcokit.capture.events.values import value
from falcokit.capture.filter.ops import Kind
from falcokit.capture.filter.readers import VARIES, Reader
from falcokit.capture.render.args import arg_texts, args_text
from falcokit.capture.render.state import Scene
from falcokit.capture.render.types import shower

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType
    from falcokit.capture.filter.ops import Test
    from falcokit.capture.render.state import Resolver, Show

__all__ = [
    "all_arguments",
    "argument",
    "argument_names",
    "buffer",
    "by_class",
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
    return Reader(kinds=(Kind.TEXT,), get=get, by_code=_where(positions), buffers=buffers)


def raw_argument(name: str) -> Reader:
    """Read a parameter's value: a number, text or bytes, depending on its type."""
    positions = _positions(name)
    types = {event_table().events[code].params[at].type for code, at in positions.items()}
    kinds = {_kind(param_type) for param_type in types}

    def get(event: Event) -> Any:
        at = positions.get(event.code)
        return None if at is None else value(event, at)

    found = tuple(kind for kind in _CLASSES.values() if kind in kinds or "PT_DYN" in types)
    return Reader(kinds=found, get=get, by_code=_where(positions), mixed=True)


def buffer() -> Reader:
    """Read the bytes of the parameter `data`."""
    positions = _positions("data")

    def get(event: Event) -> bytes | None:
        at = positions.get(event.code)
        params = event.params
        return None if at is None or at >= len(params) else params[at]

    return Reader(kinds=(Kind.BYTES,), get=get, by_code=_where(positions))


def all_arguments(resolver: Resolver | None) -> Reader:
    """Read the line of all parameters."""

    def get(event: Event) -> str:
        return args_text(event, resolver, buffer_chars=_WHOLE)

    return Reader(kinds=(Kind.TEXT,), get=get)


def by_class(tests: dict[Kind, Test]) -> Test:
    """Combine tests of several kinds into one that chooses by the type of the value."""
    picked = {cls: tests[kind] for cls, kind in _CLASSES.items() if kind in tests}

    def test(found: Any) -> object:
        chosen = picked.get(type(found))
        return chosen is not None and chosen(found)

    return test


_CLASSES: Final = {int: Kind.NUMBER, str: Kind.TEXT, bytes: Kind.BYTES}


def _kind(param_type: str) -> Kind | None:
    """Return None for types that only support `exists`: addresses, lists."""
    if param_type in INTEGERS:
        return Kind.NUMBER
    if param_type in STRINGS:
        return Kind.TEXT
    return Kind.BYTES if param_type == "PT_BYTEBUF" else None


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
