# SPDX-License-Identifier: Apache-2.0
"""EventQueue: between the author's producer threads and an event source.

Inside the host it is a channel in C, which the host's thread empties without Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Self

from falcokit.runtime.base.errors import PluginError, QueueFullError, SourceClosedError
from falcokit.runtime.base.logs import current
from falcokit.runtime.event.event import Event

if TYPE_CHECKING:
    from falcokit.runtime.source.python_channel import Channel
else:
    try:
        import _falcokit_hot

        Channel = _falcokit_hot.Channel
        _falcokit_hot.install_source(Event, SourceClosedError, QueueFullError)
    except ImportError:
        from falcokit.runtime.source.python_channel import Channel

__all__ = ["MAX_EVENT_SIZE", "EventQueue"]

#: Maximum bytes of an event's data, unless the class sets `max_event_size`.
MAX_EVENT_SIZE: Final = 1 << 20
_MAX_EVENTS: Final = 2**31


class EventQueue(Channel):
    """A bounded queue of events: return one from `open`, and put into it from any thread.

        put(event, timeout=None)        True when it was queued, False when it was dropped
        put_many(events, timeout=None)  puts each event of an iterable, returns how many were queued
        end()             no more events: the capture ends after those that are queued
        end(text)         the source has failed; the capture ends with that text
        len(queue)        number of events waiting for the host
        closed            whether the source has ended, or the host has closed it
        dropped           number of dropped events

    An event is bytes, str (sent as UTF-8), an `Event`, or an object that JSON can hold. After the
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
        return super().__new__(cls, maxsize, overflow == "drop", whole, size)
