# SPDX-License-Identifier: Apache-2.0
"""The handler of the in-process driver: the framework's rules for emission, without the framework.

Made by `_running` for each capture and each dump.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from falcokit.runtime.async_event.capability import AsyncCounters, AsyncEventHandler
from falcokit.runtime.base.errors import (
    CaptureClosedError,
    EmitError,
    FutureTimestampError,
    UndeclaredEventError,
    tell_emitted,
)
from falcokit.runtime.event.event import AsyncEvent, Event, encode_async

if TYPE_CHECKING:
    import queue
    from collections.abc import Iterable

    from falcokit.runtime.async_event.supervision import ProducerState
    from falcokit.testing._running import RunningPlugin

__all__ = ["InProcessHandler"]

_FUTURE_NS = 10_000_000_000


class InProcessHandler(AsyncEventHandler):
    """The framework's side of emission, for one capture or one dump."""

    def __init__(
        self, running: RunningPlugin, sink: queue.SimpleQueue[Event], *, dump: bool
    ) -> None:
        self._running = running
        self._sink = sink
        self._dump = dump
        self.open = True

    def emit(
        self,
        name: str | AsyncEvent,
        data: Any = None,
        *,
        ts_ns: int | None = None,
        tid: int | None = None,
        direct: bool = False,  # noqa: ARG002  # there is no ring here
        plugin_id: int | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> None:
        """Check and deliver one event."""
        if not isinstance(name, (str, AsyncEvent)) and data is None:
            given = type(name).__name__
            raise TypeError(f"emit takes a name and data, or an AsyncEvent, not {given}")
        event = name
        if not isinstance(event, AsyncEvent):
            event = AsyncEvent(event, data, ts_ns, tid, plugin_id)
        try:
            self._deliver(event)
        except EmitError as e:
            refused = self._running.refused
            refused[e.reason] = refused.get(e.reason, 0) + 1
            raise

    def _deliver(self, event: AsyncEvent) -> None:
        running = self._running
        if not self.open:
            raise CaptureClosedError(f"the capture of plugin {running.name!r} is closed")
        if event.name not in running.async_events:
            raise UndeclaredEventError(
                f"async event {event.name!r} is not declared: add it to async_events of plugin"
                f" {running.name!r}"
            )
        source: str | None = running.source
        if self._dump:
            event, source = _dumped(type(running.plugin), event)
        decoded = Event.from_bytes(encode_async(event), source=source)
        now = time.time_ns()
        due = now if decoded.ts_ns is None else decoded.ts_ns
        if due > now + _FUTURE_NS:
            raise FutureTimestampError("ts_ns lies more than 10 s ahead")
        decoded = decoded.replace(ts_ns=due)
        if self._dump:
            self._sink.put(decoded.replace(number=running.take_number()))
            return
        running.check_source(event)
        decoded = decoded.replace(plugin_id=running.plugin_id)
        running.delivery.count(emitted=1)
        if due > now:
            running.delivery.hold(decoded, due, self._show)
        else:
            self._show(decoded)

    def _show(self, event: Event) -> None:
        running = self._running
        if not self.open:  # it was held, and the capture has closed
            running.delivery.count(discarded=1)
            return
        event = event.replace(number=running.take_number())
        running.delivery.count(delivered=1)
        self._sink.put(event)
        running.parse(event)

    def close(self) -> None:
        """End the capture: what is held is discarded."""
        self.open = False
        self._running.delivery.discard()

    def emit_many(
        self,
        name: str,
        payloads: Iterable[Any],
        *,
        ts_ns: int | None = None,
        tid: int | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> int:
        """Check and deliver an event for each payload."""
        count = 0
        try:
            for payload in payloads:
                self.emit(name, payload, ts_ns=ts_ns, tid=tid)
                count += 1
        except BaseException as e:
            tell_emitted(e, count)
            raise
        return count

    @property
    def counters(self) -> AsyncCounters:
        """What became of the events so far."""
        made, n = self._running.delivery, self._running.delivery.delivered
        refused = dict(self._running.refused)
        return AsyncCounters(made.emitted, n, n, 0, 0, made.discarded, 0, refused)

    @property
    def producers(self) -> tuple[ProducerState, ...]:
        """The state of each decorated producer."""
        return self._running.producers


def _dumped(plugin: type[Any], event: AsyncEvent) -> tuple[AsyncEvent, str | None]:
    """Return an event of dump_state as it is written, and the source that a reader finds it under.

    Inside the host this is async_event/emission.c's.
    """
    own: int = getattr(plugin, "plugin_id", 0)
    event_id = own if event.plugin_id is None else event.plugin_id
    sources = {own: getattr(plugin, "event_source", ""), 0: "syscall"}
    return event._replace(plugin_id=event_id), sources.get(event_id)
