# SPDX-License-Identifier: Apache-2.0
"""The parameters of an event as libsinsp's evt.args shows them: `fd=3(<f>/etc/passwd) size=80`.

Each parameter has a raw text and, where a number stands for something, a resolved one. Some of
the latter need the state that a replay keeps; the caller gives it as a `Resolver` or does
without. Called by the event lines of `falcokit inspect`. The text is not escaped for a terminal.

It differs from libsinsp on purpose: times are UTC; characters outside ASCII stay in paths; types
that libsinsp gives as "(n.a.)" have their value; parameters of newer tables are shown; and
bytes that contradict their type, at which libsinsp fails, are shown in hexadecimal.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from falcokit.capture.event_table import GENERIC_SYSCALLS, event_table
from falcokit.capture.render_state import Scene
from falcokit.capture.render_types import shower
from falcokit.capture.text import dotted_text
from falcokit.capture.values import MAX_SHAPES, param_name

if TYPE_CHECKING:
    from falcokit.capture.event import Event
    from falcokit.capture.render_state import Resolver, Show
    from falcokit.capture.sockets import ByteOrder

__all__ = ["BUFFER_CHARS", "ArgText", "arg_texts", "args_text"]

#: How much of a buffer libsinsp shows unless told otherwise.
BUFFER_CHARS: Final = 80

#: Empty parameters of these types were known before the others could be empty.
_NULL_WHEN_EMPTY: Final = frozenset(
    {
        "PT_BYTEBUF",
        "PT_SOCKTUPLE",
        "PT_FDLIST",
        "PT_CHARBUFARRAY",
        "PT_CHARBUF_PAIR_ARRAY",
        "PT_DYN",
    }
)


class ArgText(NamedTuple):
    """The texts of one parameter; `resolved` is empty where the raw one says it all."""

    name: str
    raw: str
    resolved: str


class _Column(NamedTuple):
    """How one parameter of an event code is shown."""

    prefix: str
    show: Show
    empty: str


def args_text(
    event: Event, resolver: Resolver | None = None, *, buffer_chars: int = BUFFER_CHARS
) -> str:
    """Show all parameters in one line, buffers in at most `buffer_chars` characters.

    As in libsinsp there is nothing to show of a generic system call, whose number is its type.
    Raise MalformedEventError when the lengths of the parameters contradict the event.
    """
    code = event.code
    if code in GENERIC_SYSCALLS:
        return ""
    columns = _columns(code, event.byte_order, buffer_chars)
    scene = None if resolver is None else Scene(event, resolver)
    params = event.params
    shown = []
    for raw, (prefix, show, empty) in zip(params, columns, strict=False):
        if raw:
            text, resolved = show(raw, scene)
            shown.append(f"{prefix}{text}({resolved})" if resolved else prefix + text)
        else:
            shown.append(empty)
    if len(params) > len(columns):
        shown += [f"{name}={text}" for name, text, _ in _extras(params, len(columns), buffer_chars)]
    return " ".join(shown)


def arg_texts(
    event: Event, resolver: Resolver | None = None, *, buffer_chars: int = BUFFER_CHARS
) -> tuple[ArgText, ...]:
    """Give the texts of each parameter apart, those of generic system calls too."""
    columns = _columns(event.code, event.byte_order, buffer_chars)
    scene = None if resolver is None else Scene(event, resolver)
    params = event.params
    return (
        *(_arg_text(raw, column, scene) for raw, column in zip(params, columns, strict=False)),
        *_extras(params, len(columns), buffer_chars),
    )


@functools.lru_cache(maxsize=MAX_SHAPES)
def _columns(code: int, order: ByteOrder, buffer_chars: int) -> tuple[_Column, ...]:
    event_type = event_table().get(code)
    if event_type is None:
        return ()
    return tuple(
        _Column(
            f"{param.name}=",
            shower(param, order, buffer_chars),
            f"{param.name}={'NULL' if param.type in _NULL_WHEN_EMPTY else '<NA>'}",
        )
        for param in event_type.params
    )


def _arg_text(raw: bytes, column: _Column, scene: Scene | None) -> ArgText:
    prefix, show, empty = column
    name = prefix[:-1]
    return ArgText(name, *show(raw, scene)) if raw else ArgText(name, empty[len(prefix) :], "")


def _extras(params: tuple[bytes, ...], known: int, buffer_chars: int) -> list[ArgText]:
    """Show what the writer's newer event table had beyond this one."""
    return [
        ArgText(param_name(at), dotted_text(raw, buffer_chars) if raw else "NULL", "")
        for at, raw in enumerate(params[known:], known)
    ]
