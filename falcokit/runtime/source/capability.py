# SPDX-License-Identifier: Apache-2.0
"""EventSource: the capability of giving Falco a stream of events.

    class Countdown(Plugin, EventSource):
        name, version, description = "countdown", "0.1.0", "Counts down."
        contact = "you@example.com"
        plugin_id = 999
        event_source = "countdown"

        def open(self, params: str):
            for n in range(int(params or 10), 0, -1):
                yield {"n": n}

The iterator that `open` returns runs on its own thread, ahead of Falco by at most 8192 events or
2 MiB: Falco's thread takes finished events from memory and never waits for Python, nor for an
iterator that blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from falcokit.runtime.source.event_queue import MAX_EVENT_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.runtime.event.event import Event

__all__ = ["EventSource"]


class EventSource:
    """Mixin: the plugin has an event source, which a capture opens.

    Attributes:
        plugin_id: The plugin's id in Falco's registry; 999 while developing. 0, with an empty
            `event_source`: the plugin delivers complete system events of the host.
        event_source: The name that rules use in `source:`.
        max_event_size: Maximum bytes of one event's data (of the whole event without a
            `plugin_id`), up to 64 MiB. Larger events are dropped and counted; the log has one
            message a minute.

    """

    plugin_id: ClassVar[int] = 0
    event_source: ClassVar[str] = ""
    max_event_size: ClassVar[int] = MAX_EVENT_SIZE

    def open(self, params: Any) -> Any:
        """Open the event source, and return an object that provides its events.

        That is an iterator, a generator (`open` itself may be one), an async iterator (`async def`
        with yield), an `EventQueue` that your own threads fill, or an object of your own class: its
        `__iter__` or `__aiter__` returns one of these, and it may have `close()` and `progress()`.

        An event is bytes, str (sent as UTF-8), an object that JSON can hold, or
        `Event(data, ts_ns=...)`. None is not an event: there is none now, and the source is asked
        again after 0.5 to 10 ms. Without `ts_ns` an event has the wall-clock time at which it was
        yielded or put. The end of the iterator ends the capture; an exception ends it with an
        error, after the earlier events have been delivered.

        Annotate `params` with a msgspec.Struct, a dataclass or another type for open params in
        JSON; with `str`, or without annotation, it is the unchanged text (if the framework passes
        none: "" with `str`, else None).

        Required: yes. Called: when a capture opens, within 30 s, before `start_async` and
        `capture_open`. Raise: the capture does not open and shows the text. The code of a generator
        or another iterator begins after these three, when Falco asks for the first events: to
        make the opening fail, raise in an `open` that returns a generator from another method.
        Threads that `open` itself starts run at once.
        """
        raise NotImplementedError

    def close(self, instance: Any) -> None:
        """Release what `open` acquired; `instance` is the object that it returned.

        Required: no. Called: when the capture closes, within 5 s, after the source was asked to
        end: a generator sees GeneratorExit at its yield, an async one is cancelled, and `put`
        raises SourceClosedError. One that blocks elsewhere for more than half a second is still
        running: make it return, by closing what it waits for.
        """

    def list_open_params(self) -> Iterable[str | tuple[str, str]]:
        """Return suggested open params: values, or pairs of value and description.

        Required: no. Called: when Falco's user lists them, within 30 s.
        """
        return ()

    def event_to_string(self, event: Event) -> str:
        """Return one line that shows an event of this source to people: evt.plugininfo.

        Required: no; without it Falco shows the first printable bytes. Called: on Falco's own
        thread, when an output uses the field, within 5 s. Raise: logged; Falco shows the bytes.
        """
        raise NotImplementedError
