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
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.state.fields import state_reader
from falcokit.capture.state.resolving import MomentResolver, NotKnownError
from falcokit.filter.batch import UNKNOWN
from falcokit.filter.fields import FieldFaultError
from falcokit.rules.catalog import SYSCALL
from falcokit.rules.events import EventBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.readers import Reader
    from falcokit.capture.render.state import Resolver
    from falcokit.capture.state.moments import Moment
    from falcokit.filter.tree import FieldRef

__all__ = ["captured_batch", "is_replayed"]

_WHOLE: Final = frozenset({"evt.args", "evt.info"})
_OF_PARAMETERS: Final = ("evt.arg", "evt.rawarg", "evt.info")
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
    if resolver is None and moments is not None:
        resolver = MomentResolver(moments)
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
            return _of_state(field, events, moments)
        if moments is not None and field.name.startswith(_OF_PARAMETERS):
            return [_parameters(reader, field, event) for event in events]
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


def _of_state(
    field: FieldRef, events: Sequence[Event], moments: Sequence[Moment] | None
) -> Sequence[Any] | None:
    """Return what an event has by its thread; None for another field."""
    if not field.name.startswith(_OF_THREADS):
        return None
    known = None if moments is None else state_reader(field.name, field.argument)
    if known is not None and moments is not None:
        return [known(moment) for moment in moments]
    return [None if _has_no_thread(event) else UNKNOWN for event in events]


def _parameters(reader: Reader, field: FieldRef, event: Event) -> Any:
    """Return a value that hangs on parameters: a replay completes those of old captures."""
    try:
        value = reader.get(event)
        event_type = event.event_type
        if event_type is None or len(event.params) >= event_type.size:
            return value
    except NotKnownError:
        return UNKNOWN
    except MalformedEventError:
        return None
    if field.name in _WHOLE:
        return UNKNOWN
    _, _, name = field.name.partition("arg.")
    is_missing = value is None and (not name or name in _names_of(event_type.name))
    return UNKNOWN if is_missing else value


@functools.cache
def _names_of(event_type: str) -> frozenset[str]:
    """Return the parameters that events of a name have, in any version."""
    types = (each for each in event_table().events if each.name == event_type)
    return frozenset(param.name for each in types for param in each.params)


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
