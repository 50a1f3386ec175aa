# SPDX-License-Identifier: Apache-2.0
"""The event table: name, direction, category and parameters of every event code.

Codes are only ever added, so the newest table describes every capture ever written. It is loaded
once, on first use.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any, Final, NamedTuple

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

_FILE: Final = os.path.join(os.path.dirname(__file__), "event_table.json")  # noqa: PTH118, PTH120
_LARGE_PAYLOAD: Final = 0x800
_SOURCES: Final = {
    0x100: "internal",
    0x200: "syscall",
    0x400: "tracepoint",
    0x800: "plugin",
    0x1000: "meta",
    0x2000: "iterator",
}


class Param(NamedTuple):
    """One parameter of an event type: how to read and how to show it."""

    name: str
    type: str
    fmt: str
    flags: str | None = None
    dynamic: str | None = None
    dirfd_param: int | None = None


class EventType:
    """What one event code stands for."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.id: Final[int] = entry["id"]
        self.code: Final[str] = entry["code"]
        self.name: Final[str] = entry["name"]
        self.dir: Final[str] = entry["dir"]
        self.category: Final[int] = entry["category"]
        self.category_names: Final[tuple[str, ...]] = tuple(entry["category_names"])
        self.flags: Final[int] = entry["flags"]
        #: How many parameters it has.
        self.size: Final = len(entry["params"])
        self._entries = entry["params"]

    @functools.cached_property
    def params(self) -> tuple[Param, ...]:
        """The parameters in their order."""
        return tuple(map(_param, self._entries))

    @property
    def large_payload(self) -> bool:
        """Whether the parameter lengths are 32 bits wide."""
        return bool(self.flags & _LARGE_PAYLOAD)

    @property
    def source(self) -> str:
        """Their origin: syscall, tracepoint, plugin, meta, internal, iterator."""
        for bit, name in reversed(_SOURCES.items()):
            if self.category & bit:
                return name
        return "unused"

    @property
    def topic(self) -> str:
        """Their topic: file, net, process and so on."""
        return self.category_names[0].removeprefix("EC_").lower().replace("_", "-")


class EventTable:
    """The table of all event codes, indexed by code, and the tables that parameters refer to."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.events: Final = tuple(map(EventType, table["events"]))
        #: System calls by the driver's id, error numbers and signals by number.
        self.ppm_sc: Final[dict[int, str]] = _by_number(table["ppm_sc"])
        self.errno: Final[dict[int, str]] = _by_number(table["errno"])
        self.signals: Final[dict[int, str]] = _by_number(table["signals"])
        #: Names and bits of flags, in the order in which they are looked up.
        self.flags_tables: Final[dict[str, tuple[tuple[str, int], ...]]] = {
            name: tuple(map(tuple, flags)) for name, flags in table["flags_tables"].items()
        }
        #: What a parameter of type PT_DYN can hold, by the index it starts with.
        self.dynamic_tables: Final[dict[str, tuple[Param, ...]]] = {
            name: tuple(map(_param, held)) for name, held in table["dynamic_tables"].items()
        }
        #: Names by number, as file descriptor lists have them.
        self.fd_types: Final[tuple[str, ...]] = tuple(table["fd_types"])
        self.l4_protocols: Final[tuple[str, ...]] = tuple(table["l4_protocols"])

    def get(self, code: int) -> EventType | None:
        """Return the type of `code`, None when this table does not know it."""
        return self.events[code] if 0 <= code < len(self.events) else None

    def name(self, code: int) -> str:
        """Return the name of the events of `code`."""
        event_type = self.get(code)
        return event_type.name if event_type else f"unknown-{code}"

    def direction(self, code: int) -> str:
        """Return ">" for enter events, "<" for exit events."""
        event_type = self.get(code)
        return event_type.dir if event_type else "<" if code % 2 else ">"


@functools.cache
def event_table() -> EventTable:
    """Load the table that ships with falcokit."""
    with open(_FILE, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 5 ms to load
        return EventTable(json.load(file))


def _param(entry: dict[str, Any]) -> Param:
    return Param(**{name: entry[name] for name in Param._fields if name in entry})


def _by_number(names: dict[str, str]) -> dict[int, str]:
    return {int(number): name for number, name in names.items()}
