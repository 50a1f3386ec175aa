# SPDX-License-Identifier: Apache-2.0
"""The parameters of an event as libsinsp's evt.args shows them: `fd=3(<f>/etc/passwd) size=80`.

Each parameter has a raw text and, if a number stands for something, a resolved one. Some resolved
texts need the state that a replay keeps, which the caller may pass as a `Resolver`. The text is not
escaped for a terminal.

It differs from libsinsp on purpose: times are UTC; characters outside ASCII stay in paths; types
that libsinsp gives as "(n.a.)" have their value; parameters of newer tables are shown; and
bytes that contradict their type, at which libsinsp fails, are shown in hexadecimal.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from falcokit.capture.events.event_table import GENERIC_SYSCALLS, event_table
from falcokit.capture.events.values import MAX_SHAPES, NULL_WHEN_EMPTY, param_name
from falcokit.capture.render.buffers import buffer_shower
from falcokit.capture.render.state import Scene
from falcokit.capture.render.types import holds_buffer, shower

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.render.buffers import BufferForm
    from falcokit.capture.render.state import Resolver, Show
    from falcokit.runtime.event.socket_values import ByteOrder

__all__ = ["BUFFER_CHARS", "ArgText", "arg_texts", "args_text", "dump_text"]

#: Characters of a buffer that libsinsp shows by default.
BUFFER_CHARS: Final = 80


class ArgText(NamedTuple):
    """The texts of one parameter; `resolved` is empty if it would only repeat the raw one."""

    name: str
    raw: str
    resolved: str


class _Column(NamedTuple):
    """How one parameter of an event code is shown."""

    prefix: str
    show: Show
    empty: str
    is_buffer: bool


def args_text(
    event: Event, resolver: Resolver | None = None, *, buffer_chars: int = BUFFER_CHARS
) -> str:
    """Show all parameters in one line, buffers in at most `buffer_chars` characters.

    As in libsinsp a generic system call has no text, since its number is its type.
    Raise MalformedEventError when the lengths of the parameters contradict the event.
    """
    code = event.code
    if code in GENERIC_SYSCALLS:
        return ""
    columns = _columns(code, event.byte_order, None, buffer_chars)
    scene = None if resolver is None else Scene(event, resolver)
    params = event.params
    shown = []
    for raw, (prefix, show, empty, _) in zip(params, columns, strict=False):
        if raw:
            text, resolved = show(raw, scene)
            shown.append(f"{prefix}{text}({resolved})" if resolved else prefix + text)
        else:
            shown.append(empty)
    if len(params) > len(columns):
        extras = _extras(params, len(columns), None, buffer_chars)
        shown += [f"{extra.name}={extra.raw}" for extra in extras]
    return " ".join(shown)


def arg_texts(
    event: Event,
    resolver: Resolver | None = None,
    *,
    buffers: BufferForm | None = None,
    buffer_chars: int = BUFFER_CHARS,
) -> tuple[ArgText, ...]:
    """Return the texts of each parameter separately, including those of generic system calls.

    `buffers` is the form of buffers instead of dotted text of `buffer_chars` characters.
    """
    columns = _columns(event.code, event.byte_order, buffers, buffer_chars)
    scene = None if resolver is None else Scene(event, resolver)
    params = event.params
    return (
        *(_arg_text(raw, column, scene) for raw, column in zip(params, columns, strict=False)),
        *_extras(params, len(columns), buffers, buffer_chars),
    )


def dump_text(
    event: Event, buffers: BufferForm, escape: Callable[[str], str], resolver: Resolver | None
) -> str:
    """Show all parameters as `args_text` does, but complete buffers, on several lines.

    `escape` escapes all other texts, so that newlines only come from the form.
    """
    if event.code in GENERIC_SYSCALLS:
        return ""
    columns = _columns(event.code, event.byte_order, buffers, BUFFER_CHARS)
    shown = []
    for at, (name, raw, resolved) in enumerate(arg_texts(event, resolver, buffers=buffers)):
        whole = at >= len(columns) or columns[at].is_buffer
        more = f"({escape(resolved)})" if resolved else ""
        shown.append(f"{name}={raw if whole else escape(raw)}{more}")
    return " ".join(shown)


@functools.lru_cache(maxsize=MAX_SHAPES)
def _columns(
    code: int, order: ByteOrder, buffers: BufferForm | None, buffer_chars: int
) -> tuple[_Column, ...]:
    event_type = event_table().get(code)
    if event_type is None:
        return ()
    return tuple(
        _Column(
            f"{param.name}=",
            shower(param, order, buffer_chars, buffers),
            f"{param.name}={'NULL' if param.type in NULL_WHEN_EMPTY else '<NA>'}",
            holds_buffer(param),
        )
        for param in event_type.params
    )


def _arg_text(raw: bytes, column: _Column, scene: Scene | None) -> ArgText:
    prefix, show, empty, _ = column
    name = prefix[:-1]
    return ArgText(name, *show(raw, scene)) if raw else ArgText(name, empty[len(prefix) :], "")


def _extras(
    params: tuple[bytes, ...], known: int, buffers: BufferForm | None, buffer_chars: int
) -> list[ArgText]:
    """Show parameters that the writer's newer event table had in addition."""
    show = buffer_shower(buffers, buffer_chars)
    return [
        ArgText(param_name(at), show(raw) if raw else "NULL", "")
        for at, raw in enumerate(params[known:], known)
    ]
