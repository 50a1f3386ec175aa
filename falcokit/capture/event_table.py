# SPDX-License-Identifier: Apache-2.0
"""The event table: name, direction, category and parameters of every event code.

Codes are only ever added, so the newest table describes every capture ever written.
Loaded once, on first use, by whoever needs the meaning of a code.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import msgspec

__all__ = [
    "ASYNC_EVENT",
    "GENERIC_SYSCALLS",
    "PLUGIN_EVENT",
    "STATE_EVENTS",
    "EventTable",
    "EventType",
    "Param",
    "event_table",
]

#: Enter and exit of all system calls that have no code of their own.
GENERIC_SYSCALLS: Final = frozenset({0, 1})
PLUGIN_EVENT: Final = 322
ASYNC_EVENT: Final = 402
#: A reader of the framework consumes the leading run of these while it opens a capture:
#: containers, users and groups added and deleted, and the state plugins dumped.
STATE_EVENTS: Final = frozenset({324, 354, 356, 358, 360, ASYNC_EVENT})

_LARGE_PAYLOAD: Final = 0x800
_SOURCES: Final = {
    0x100: "internal",
    0x200: "syscall",
    0x400: "tracepoint",
    0x800: "plugin",
    0x1000: "meta",
    0x2000: "iterator",
}


class Param(msgspec.Struct, frozen=True):
    """One parameter of an event type: how to read and how to show it."""

    name: str
    type: str
    fmt: str
    flags: str | None = None
    dynamic: str | None = None
    dirfd_param: int | None = None


class EventType(msgspec.Struct, frozen=True):
    """What one event code stands for."""

    id: int
    code: str
    name: str
    dir: str
    category: int
    category_names: tuple[str, ...]
    flags: int
    params: tuple[Param, ...]

    @property
    def large_payload(self) -> bool:
        """Whether the parameter lengths are 32 bits wide."""
        return bool(self.flags & _LARGE_PAYLOAD)

    @property
    def source(self) -> str:
        """Where such events come from: syscall, tracepoint, plugin, meta, internal, iterator."""
        for bit, name in reversed(_SOURCES.items()):
            if self.category & bit:
                return name
        return "unused"

    @property
    def topic(self) -> str:
        """What such events are about: file, net, process and so on."""
        return self.category_names[0].removeprefix("EC_").lower().replace("_", "-")


class EventTable(msgspec.Struct, frozen=True):
    """The table of all event codes, indexed by code, and the tables that parameters refer to."""

    events: tuple[EventType, ...]
    #: System calls by the driver's id, error numbers and signals by number.
    ppm_sc: dict[int, str]
    errno: dict[int, str]
    signals: dict[int, str]
    #: Names and bits of flags, in the order in which they are looked up.
    flags_tables: dict[str, tuple[tuple[str, int], ...]]
    #: What a parameter of type PT_DYN can hold, by the index it starts with.
    dynamic_tables: dict[str, tuple[Param, ...]]
    #: Names by number, as file descriptor lists have them.
    fd_types: tuple[str, ...]
    l4_protocols: tuple[str, ...]

    def get(self, code: int) -> EventType | None:
        """Return the type of `code`, None when this table does not know it."""
        return self.events[code] if 0 <= code < len(self.events) else None


@functools.cache
def event_table() -> EventTable:
    """Load the table that ships with falcokit."""
    data = Path(__file__).with_name("event_table.json").read_bytes()
    return msgspec.json.decode(data, type=EventTable)
