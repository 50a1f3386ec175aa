# SPDX-License-Identifier: Apache-2.0
"""Events of a capture as a batch that rules run on.

What is in a stored event is read as `inspect` reads it. What hangs on the processes and descriptors
at the time of the event is known where the capture was followed from its start, as far as
`falcokit.capture.state.fields` goes. All else is unknown, but for events without a thread, which
have none.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.fields import CaptureFields, Context
from falcokit.capture.state.fields import state_reader
from falcokit.filter.batch import UNKNOWN
from falcokit.filter.fields import FieldFaultError
from falcokit.rules.catalog import SYSCALL
from falcokit.rules.events import EventBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from falcokit.capture.events.event import Event
    from falcokit.capture.render.state import Resolver
    from falcokit.capture.state.moments import Moment
    from falcokit.filter.tree import FieldRef

__all__ = ["captured_batch", "is_replayed"]

#: What an event has by the thread that made it.
_OF_THREADS: Final = ("proc.", "thread.", "user.", "group.", "fd.", "fdlist.", "fs.", "container.")


def captured_batch(
    events: Sequence[Event],
    *,
    source: str = SYSCALL,
    read: Callable[[FieldRef], Sequence[Any] | None] | None = None,
    plugin: str | None = None,
    sources: Mapping[int, str] | None = None,
    resolver: Resolver | None = None,
    first_time_ns: int | None = None,
    hostname: str | None = None,
    moments: Sequence[Moment] | None = None,
) -> EventBatch:
    """Return events of one source as a batch.

    `read` has the fields of plugins, and is asked first; it may return None for what it does not
    have. `sources` has the names of event sources by plugin id, `resolver` resolves numbers of
    parameters, `first_time_ns` is the time of the capture's first event. An event without a time
    has the time 0. `plugin` names the plugin whose source it is. `moments` has the state at the
    time of each event, if the capture was followed from its start.
    """
    fields = CaptureFields(Context(sources=sources or {}, resolver=resolver))

    def stored(field: FieldRef) -> Sequence[Any] | None:
        if read is not None:
            values = read(field)
            if values is not None:
                return values
        if field.name in _LEFT:
            return None
        try:
            reader = fields.reader(field)
        except FieldFaultError:
            if not field.name.startswith(_OF_THREADS):
                return None
            known = None if moments is None else state_reader(field.name, field.argument)
            if known is not None and moments is not None:
                return [known(moment) for moment in moments]
            return [None if _has_no_thread(event) else UNKNOWN for event in events]
        return [reader.get(event) for event in events]

    return EventBatch(
        source,
        [event.number for event in events],
        [event.ts_ns or 0 for event in events],
        stored,
        first_time_ns=first_time_ns,
        plugin=plugin,
        hostname=hostname,
    )


def is_replayed(event: Event) -> bool:
    """Return whether a replay of the capture shows the event.

    It hides the state at the head of a section, events that were kept for their effect alone, and
    the enter events of old captures, whose parameters it adds to the exits.
    """
    return not (event.leading or event.state_only or _is_merged(event.code))


@functools.cache
def _is_merged(code: int) -> bool:
    table = event_table()
    entered, left = table.get(code), table.get(code + 1)
    return (
        entered is not None
        and left is not None
        and (entered.dir, left.dir) == (">", "<")
        and entered.name == left.name
    )


#: What `EventBatch` has: Falco's source of an event is that of the rules, not of what is stored.
_LEFT: Final = frozenset({"evt.source", "evt.num"})


def _has_no_thread(event: Event) -> bool:
    return event.tid is None
