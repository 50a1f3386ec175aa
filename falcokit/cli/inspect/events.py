# SPDX-License-Identifier: Apache-2.0
"""Events as lines, in sysdig's order: number, time, cpu, (thread), direction, type, parameters.

On a terminal the lines are plain text too, cut to its width. Payloads of plugin and async events
are shown as text where they are text.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from falcokit.capture.events.event_table import (
    ASYNC_EVENT,
    GENERIC_SYSCALLS,
    PLUGIN_EVENT,
    event_table,
)
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.format.text import payload_text, safe_text
from falcokit.capture.render.args import args_text, dump_text
from falcokit.cli.format import time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from falcokit.capture.events.event import Event
    from falcokit.capture.render.buffers import BufferForm
    from falcokit.capture.render.state import Resolver

__all__ = ["cut_line", "event_lines"]

#: Characters of one payload or buffer where no terminal sets a limit.
_PIPE_CHARS: Final = 512
_PAYLOAD_BYTES: Final = 4 * _PIPE_CHARS  # the most that those can take
_NS: Final = 1_000_000_000
_SECOND_CHARS: Final = len("2026-01-31 12:00:00")
_NO_TIME: Final = "-".ljust(_SECOND_CHARS + len(".123456789"))
_SECONDS_CACHED: Final = 1024
_CODES_CACHED: Final = 1024
_PAYLOADS: Final = frozenset({PLUGIN_EVENT, ASYNC_EVENT})
_MALFORMED: Final = "(malformed)"


def event_lines(
    events: Iterable[Event],
    *,
    width: int | None,
    resolver: Resolver | None = None,
    buffers: BufferForm | None = None,
) -> Iterator[str]:
    """Yield a line for each event, under a heading when it goes to a terminal.

    `resolver` names file descriptors, processes and users where the caller keeps their state.
    With `buffers` these and payloads are shown whole, in that form, which may take several lines.
    """
    if width is not None:
        yield f"number {'time (UTC)':<{len(_NO_TIME)}} cpu {'(thread)':>9} event"[:width]
    for event in events:
        line = _line(event, resolver, buffers)
        yield line if width is None else cut_line(line, width)


def _line(event: Event, resolver: Resolver | None, buffers: BufferForm | None) -> str:
    ts, tid = event.ts_ns, event.tid
    moment = _NO_TIME
    if ts is not None:
        seconds, rest = divmod(ts, _NS)
        moment = f"{_second(seconds)}.{rest:09d}"
    thread = "(-)" if tid is None else f"({tid})"
    kind = _kind(event.code) or f"{event_table().direction(event.code)} {_short(event.type)}"
    marks = _marks(event) if event.leading or event.dump_flags else ""
    head = f"{event.number:>6} {moment} {event.cpu:>3} {thread:>9} {kind} {marks}"
    if buffers is not None:
        return (safe_text(head) + _dumped(event, resolver, buffers)).rstrip()
    args = _payload(event) if event.code in _PAYLOADS else _args(event, resolver)
    return safe_text((head + args).rstrip())


@functools.lru_cache(maxsize=_SECONDS_CACHED)
def _second(seconds: int) -> str:
    return time_text(seconds * _NS)[:_SECOND_CHARS]


@functools.lru_cache(maxsize=_CODES_CACHED)
def _kind(code: int) -> str | None:
    """Return direction and type of a code whose events all have the same."""
    event_type = event_table().get(code)
    if event_type is None or code == ASYNC_EVENT or code in GENERIC_SYSCALLS:
        return None
    return f"{event_type.dir} {event_type.name}"


def _marks(event: Event) -> str:
    """Mark what a replay does not show: state at the head of a file, and state-only events."""
    leading = "state " if event.leading else ""
    return f"{leading}state-only " if event.state_only else leading


def _args(event: Event, resolver: Resolver | None) -> str:
    try:
        return args_text(event, resolver, buffer_chars=_PIPE_CHARS)
    except MalformedEventError:
        return _MALFORMED


def _dumped(event: Event, resolver: Resolver | None, buffers: BufferForm) -> str:
    try:
        return dump_text(event, buffers, safe_text, resolver)
    except MalformedEventError:
        return _MALFORMED


def _payload(event: Event) -> str:
    try:
        plugin_id, name = event.plugin_id, event.async_name
        data, size = event.data_start(_PAYLOAD_BYTES)
    except MalformedEventError:
        return _MALFORMED
    payload = payload_text(data, _PIPE_CHARS, cut=len(data) < size) if data else "NULL"
    if name is None:
        return f"plugin_id={plugin_id} event_data={payload}"
    return f"plugin_id={plugin_id} name={_short(name)} data={payload}"


def _short(name: str) -> str:
    """Cut a name, which in a hostile file may have any length."""
    return name if len(name) <= _PIPE_CHARS else f"{name[: _PIPE_CHARS - 3]}..."


def cut_line(line: str, width: int) -> str:
    """Cut a line to the width of the terminal, in which some characters take two cells."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - only for a terminal

    if "\n" in line:  # a buffer, which takes lines of its own
        return "\n".join(cut_line(part.expandtabs(), width) for part in line.split("\n"))
    return line if cell_len(line) <= width else set_cell_size(line, width - 3) + "..."
