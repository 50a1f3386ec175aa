# SPDX-License-Identifier: Apache-2.0
"""The events of a capture, or of a test, for a plugin that replays them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from falcokit.runtime.event.event import PLUGIN_EVENT, Event
from falcokit.runtime.event.event_payload import ASYNC_EVENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["NO_TIME_NS", "Events", "ReplayedEvent", "events_of", "write_capture"]

#: What a replay takes: a capture file, or events.
Events: TypeAlias = "str | os.PathLike[str] | Iterable[Event]"

#: The time of an event that has none, for a host that would take it for dumped state.
NO_TIME_NS: Final = 1_700_000_000_000_000_000
_SYSCALL: Final = "syscall"


class ReplayedEvent(NamedTuple):
    """An event, and those of the plugin's fields that have a value for it.

    Values are as a host shows them: numbers, text, bool; times in ns, addresses as text, lists of
    those.
    """

    event: Event
    fields: dict[str, Any]


def events_of(given: Events, sources: Mapping[int, str]) -> Iterator[Event]:
    """Yield the events; those of a capture get the name of their source, by the id of a plugin.

    Raises:
        CaptureError: the file is not a capture.
        MalformedEventError: an event is damaged, or of a machine with the other byte order.

    """
    if not isinstance(given, (str, os.PathLike)):
        yield from given
        return
    from falcokit.capture.events.event_json import plugin_event  # noqa: PLC0415
    from falcokit.capture.reader import open_capture  # noqa: PLC0415

    with open_capture(Path(given)) as capture:
        for stored in capture:
            if stored.code in {PLUGIN_EVENT, ASYNC_EVENT}:
                number = stored.plugin_id or 0
                source = sources.get(number, None if number else _SYSCALL)
            else:
                source = _SYSCALL
            yield plugin_event(stored, source)


def write_capture(events: Iterable[Event], file: Path) -> None:
    """Write events to a capture."""
    from falcokit.capture.writer import CaptureWriter  # noqa: PLC0415

    with CaptureWriter(file) as capture:
        for event in events:
            capture.add(event, ts_ns=NO_TIME_NS)
