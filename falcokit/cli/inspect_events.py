# SPDX-License-Identifier: Apache-2.0
"""Events as lines: number, time, cpu, thread, direction and type, payload.

Called by `falcokit inspect -n N`. The lines are plain text on a terminal too, cut to its width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.errors import MalformedEventError
from falcokit.capture.text import payload_text, safe_text
from falcokit.cli.inspect_words import time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from falcokit.capture.event import Event

__all__ = ["event_lines"]

#: Payload characters where no terminal sets a limit.
_PIPE_CHARS: Final = 512
_TIME_CHARS: Final = 29


def event_lines(events: Iterable[Event], *, width: int | None) -> Iterator[str]:
    """Yield a line for each event, under a heading when it goes to a terminal."""
    if width is not None:
        head = _columns("number", "time (UTC)", "cpu", "thread", "type", "payload")
        yield head[:width]
    for event in events:
        ts = event.ts_ns
        line = _columns(
            str(event.number),
            "-" if ts is None else time_text(ts, nanoseconds=True),
            str(event.cpu),
            "-" if event.tid is None else str(event.tid),
            f"{_direction(event)} {safe_text(event.type)}",
            _details(event),
        )
        yield line if width is None else _cut(line, width)


def _columns(*cells: str) -> str:
    number, time, cpu, thread, kind, rest = cells
    return f"{number:>6}  {time:<{_TIME_CHARS}}  {cpu:>3}  {thread:>7}  {kind:<18}  {rest}".rstrip()


def _direction(event: Event) -> str:
    if event.event_type is not None:
        return event.event_type.dir
    return "<" if event.code % 2 else ">"


def _details(event: Event) -> str:
    marks = [
        text
        for text, wanted in (("state", event.leading), ("state-only", event.state_only))
        if wanted
    ]
    try:
        if event.plugin_id is not None:
            marks.append(f"plugin={event.plugin_id}")
            marks.append(payload_text(event.data, _PIPE_CHARS) or "(empty)")
    except MalformedEventError:
        marks.append("(malformed)")
    return " ".join(marks)


def _cut(line: str, width: int) -> str:
    """Cut to the width of the terminal, in which some characters take two cells."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415 - only for a terminal

    return line if cell_len(line) <= width else set_cell_size(line, width - 3) + "..."
