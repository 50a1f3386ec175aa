# SPDX-License-Identifier: Apache-2.0
"""EventQueue: between the author's producer threads and an event source.

It is a channel in C, which the host empties without Python. An author's module may be imported
before there is one, as in tests: what it needs of C is found when the first queue is made.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast

from falcokit.runtime.base.errors import PluginError, QueueFullError, SourceClosedError
from falcokit.runtime.base.logs import current
from falcokit.runtime.event.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from _falcokit_hot import Channel as _Channel
else:
    _Channel = object  # a queue gets it when it is made

__all__ = ["MAX_EVENT_SIZE", "EventQueue", "declared_documents"]

#: Maximum bytes of an event's data, unless the class sets `max_event_size`.
MAX_EVENT_SIZE: Final = 1 << 20
_MAX_EVENTS: Final = 2**31


class EventQueue(_Channel):
    """A bounded queue of events: return one from `open`, and put into it from any thread.

        put(event, timeout=None)        True when it was queued, False when it was dropped
        put_many(events, timeout=None)  puts each event of an iterable, returns how many were queued
        end()             no more events: the capture ends after those that are queued
        end(text)         the source has failed; the capture ends with that text
        len(queue)        number of events waiting for the host
        closed            whether the source has ended, or the host has closed it
        dropped           number of dropped events

    An event is bytes, str (sent as UTF-8), an `Event`, or an object that JSON can hold; in a plugin
    that declares `JsonDocuments`, all but an `Event` are documents, and `put` returns False if an
    event of one was dropped. After the
    host has closed the source `put` raises SourceClosedError, also in a thread that waits for room.
    An event larger than the plugin's `max_event_size` is dropped and logged. Dropped events are
    counted in the plugin's metrics, as source_dropped_queue_full and source_dropped_oversize.

    Args:
        maxsize: Maximum number of waiting events; their memory is limited to 2 MiB as well.
        overflow: What `put` does when the queue is full: "block" waits until there is room, "drop"
            drops the new event. A wait ends with QueueFullError after `timeout` seconds, and when
            a hook has blocked Falco's own thread for 5 s, since it takes no events meanwhile.

    """

    def __new__(cls, maxsize: int = 8192, *, overflow: Literal["block", "drop"] = "block") -> Self:
        """Make an empty queue for one capture."""
        if not isinstance(maxsize, int) or not 0 < maxsize <= _MAX_EVENTS:
            raise PluginError(f"maxsize must be a number from 1 to 2**31, not {maxsize!r}")
        if overflow not in {"block", "drop"}:
            raise PluginError(f'overflow must be "block" or "drop", not {overflow!r}')
        plugin = getattr(current.get(), "plugin", None)
        size = getattr(plugin, "max_event_size", MAX_EVENT_SIZE)
        whole = getattr(plugin, "plugin_id", 1) == 0
        kind, make = _of_channels(cast("Any", cls))
        queue = make(kind, maxsize, overflow == "drop", whole, size)
        for declared in declared_documents(type(plugin)).values():
            queue.split(declared.splitting, declared.invalid == "fail", declared.max_size)
        return cast("Self", queue)


def declared_documents(plugin: type) -> dict[str, Any]:
    """Return the JsonDocuments of a class and its bases by attribute; the build checks it is one.

    They are known by what they have, so that others need not import the module of expressions.
    """
    found: dict[str, Any] = {}
    for cls in reversed(plugin.__mro__):
        found.update(vars(cls))
    return {
        name: value
        for name, value in found.items()
        if isinstance(getattr(value, "splitting", None), bytes)
    }


@functools.cache
def _of_channels(cls: type[Any]) -> tuple[type[Any], Callable[..., Any]]:
    """Return the class whose objects are channels as well, and what makes one."""
    try:
        import _falcokit_hot  # noqa: PLC0415  # it comes with the host
    except ImportError:
        raise PluginError("an EventQueue is made by a plugin that runs: make it in open") from None
    _falcokit_hot.install_source(Event, SourceClosedError, QueueFullError)
    channel = _falcokit_hot.Channel
    return type(cls.__name__, (cls, channel), {}), channel.__new__
