# SPDX-License-Identifier: Apache-2.0
"""Event codes and what they stand for: name, direction, parameters.

Import it only where it is needed, since it loads the event table.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from falcokit.runtime.event.table_text import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["EventType", "ParamType", "event_code", "event_codes", "event_type"]

_MAX_CODE = 2**16 - 1
_MARKS = "!~"


class ParamType(NamedTuple):
    """A parameter: its name and its type (PT_FD).

    Attributes:
        name: As in `Event.params`.
        type: Its type: PT_FD.
        choices: For a PT_DYN the types it may hold, in the order of their numbers.
        flags: For flags, enumerations and modes the table of their names, else "".

    """

    name: str
    type: str
    choices: tuple[str, ...] = ()
    flags: str = ""


class EventType(NamedTuple):
    """What one code stands for.

    Attributes:
        name: As in the rule field evt.type; "NA" for a code that is not in use.
        direction: "<" for the exit event of a system call, ">" for all others.
        large: Whether the lengths of its parameters have 32 bits instead of 16.
        params: Its parameters, in order.
        old: Whether drivers no longer write it.

    """

    name: str
    direction: str
    large: bool
    params: tuple[ParamType, ...]
    old: bool


@functools.cache
def _lines() -> tuple[str, ...]:
    return tuple(TEXT.strip().replace("\n", " ").split("; "))


@functools.lru_cache(maxsize=1024)
def event_type(code: int) -> EventType | None:
    """Return the type of a code, or None when falcokit's table does not know it."""
    lines = _lines()
    if not 0 <= code < len(lines):
        return None
    head, *params = lines[code].split(" ")
    name = head[1:].lstrip(_MARKS)
    marks = head[1 : -len(name)]
    return EventType(name, head[0], "!" in marks, tuple(map(_param, params)), "~" in marks)


def _param(text: str) -> ParamType:
    name, _, types = text.partition(":")
    types, _, flags = types.partition("@")
    kind, *choices = types.split("/")
    return ParamType(name, f"PT_{kind}", tuple(f"PT_{choice}" for choice in choices), flags)


def event_codes(wanted: Iterable[str | int]) -> tuple[int, ...]:
    """Return the codes of events given by name or by code, in ascending order.

    A name stands for all codes with that name: enter, exit and older versions; a leading ">" or "<"
    chooses enter or exit: "<openat".

    Raises:
        ValueError: an unknown name or code.

    """
    if isinstance(wanted, str):
        raise ValueError(f"{wanted!r} is a name, not a tuple of names: ({wanted!r},)")  # noqa: TRY004
    found: set[int] = set()
    for item in wanted:
        found.update((item,) if isinstance(item, int) else _named(item))
        if isinstance(item, int) and (isinstance(item, bool) or not 0 <= item <= _MAX_CODE):
            raise ValueError(f"{item!r} is not an event code: they go from 0 to {_MAX_CODE}")
    return tuple(sorted(found))


def event_code(wanted: str | int) -> int:
    """Return the code of one event, given by name or by code.

    A name with a leading ">" or "<" stands for the newest code of that direction that drivers
    write; without a sign for the exit event, or for the enter event of types that have no other.

    Raises:
        ValueError: an unknown name or code.

    """
    codes = event_codes((wanted,))
    if isinstance(wanted, int):
        if event_type(wanted) is None:
            raise ValueError(f"the event table has no event with the code {wanted}")
        return wanted
    known = [(code, kind) for code in codes if (kind := event_type(code)) is not None]
    return max(known, key=lambda each: (each[1].direction == "<", not _superseded(*each), each[0]))[
        0
    ]


def _superseded(code: int, kind: EventType) -> bool:
    """Tell whether there is a newer version; enter events are all old, so their exit events say."""
    if kind.direction == ">":
        after = event_type(code + 1)
        if after is not None and after.name == kind.name:
            return after.old
    return kind.old


def _named(text: str) -> tuple[int, ...]:
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is neither the name of an event nor its code")  # noqa: TRY004
    directions, name = (text[0], text[1:].strip()) if text[:1] in {"<", ">"} else ("<>", text)
    heads = [line[0] + line.partition(" ")[0][1:].lstrip(_MARKS) for line in _lines()]
    codes = tuple(code for code, head in enumerate(heads)
                  if head[1:] == name and head[0] in directions and name != "NA")  # fmt: skip
    if not codes:
        raise ValueError(f"there is no event {text!r}{_meant(name, heads)}")
    return codes


def _meant(name: str, heads: list[str]) -> str:
    import difflib  # noqa: PLC0415  # only for an error message

    close = difflib.get_close_matches(name.lower(), {head[1:] for head in heads} - {"NA"}, 3)
    return f": {' or '.join(close)}?" if close else ""
