# SPDX-License-Identifier: Apache-2.0
"""EventParsing: the capability of reading events of the stream, live or replayed, to keep state."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from falcokit.runtime.event import ASYNC_EVENT, PLUGIN_EVENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.runtime.event import Event

__all__ = ["EventParsing"]


class EventParsing:
    """Mixin: `parse_event` is called for every event of the given types and sources.

    Attributes:
        parse_event_types: Event codes, of 402 (async) and 322 (plugin).
        parse_event_sources: Names of event sources; () for all.

    """

    parse_event_types: ClassVar[Sequence[int]] = (ASYNC_EVENT, PLUGIN_EVENT)
    parse_event_sources: ClassVar[Sequence[str]] = ()

    def parse_event(self, event: Event) -> None:
        """Take notice of one event.

        Required: yes. Called: on Falco's own thread, for each event, before rules see it; at the
        head of a capture file also before the capture is open. Be quick: Falco waits. `emit` may be
        called. Raise: the framework ignores it; falcokit logs the first of a kind.
        """
        raise NotImplementedError
