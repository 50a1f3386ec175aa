# SPDX-License-Identifier: Apache-2.0
"""EventParsing: the capability of reading the event stream, live or replayed, to keep state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.event.event import ASYNC_EVENT, PLUGIN_EVENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.runtime.event.event import Event

__all__ = ["EventParsing", "wanted_events"]


class EventParsing:
    """Mixin: `parse_event` is called for every event of the given types and sources.

    Attributes:
        parse_event_types: Names of events ("openat": all codes of that name, "<openat": its exit
            events, ">openat": its enter events) and codes (402 is "asyncevent", 322 is
            "pluginevent"). A property or a method is called once, after `init`, and may use
            `self.config`. System calls without their own event are "syscall".
        parse_event_sources: Names of event sources ("syscall"); () for all.

    """

    parse_event_types: Sequence[str | int] = (ASYNC_EVENT, PLUGIN_EVENT)
    parse_event_sources: Sequence[str] = ()

    def parse_event(self, event: Event) -> None:
        """Process one event: keep state, write to tables, emit async events.

        Required: yes. Called: on Falco's own thread, for each event, after Falco's own parser and
        before rules see it; for events at the start of a capture file also before the capture is
        open. Be quick: Falco waits, and after 5 s HookTimeoutError is raised in it. `emit` may be
        called. Raise: the framework ignores it; falcokit logs the first of a kind each minute.
        """
        raise NotImplementedError


def wanted_events(plugin: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the codes and the sources that an instance wants.

    Raises:
        PluginError: an unknown event, or no event at all, which the framework would take for all.

    """
    from falcokit.runtime.event.event_types import event_codes  # noqa: PLC0415  # the event table

    types = plugin.parse_event_types
    try:
        codes = event_codes(types() if callable(types) else types)
    except (ValueError, TypeError) as e:
        raise PluginError(f"parse_event_types: {e}") from e
    if not codes:
        raise PluginError("parse_event_types is empty, and the framework would send all events")
    return codes, tuple(plugin.parse_event_sources)
