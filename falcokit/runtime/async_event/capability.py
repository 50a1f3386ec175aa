# SPDX-License-Identifier: Apache-2.0
"""AsyncEvents: the capability of injecting named events into a live stream.

    class Ticker(Plugin, AsyncEvents):
        name, version, description, contact = "ticker", "0.1.0", "Ticks.", "you@example.com"

        @async_event("tick", every=0.1)
        def tick(self):
            return b"hello"

Falco starts the work when a capture opens and stops it when it closes. `start_async` and
`stop_async` are what the other SDKs offer; decorated producers are started and stopped together
with them. Rules match an event by its name: evt.type and evt.asynctype.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from falcokit.runtime.async_event.supervision import ProducerState
    from falcokit.runtime.event.event import AsyncEvent

__all__ = ["AsyncCounters", "AsyncEventHandler", "AsyncEvents"]


class AsyncCounters(NamedTuple):
    """The outcomes of a plugin's async events so far; Falco's metrics have them too.

    Attributes:
        emitted: Successful emissions.
        sent: Accepted by the framework.
        delivered: Seen again in the event stream.
        unconfirmed: Sent, but not seen again within a second or before later ones; they may still
            be in the framework's queue.
        lost: Silently dropped by the framework: later events arrived and these did not.
        discarded: Emitted, but not yet sent when the capture closed.
        undelivered: Sent, but not seen again when the capture closed, nor in a later capture.
        refused: Emissions that raised, by reason (`EmitError.reason`).

    """

    emitted: int
    sent: int
    delivered: int
    unconfirmed: int
    lost: int
    discarded: int
    undelivered: int
    refused: dict[str, int]


class AsyncEventHandler(ABC):
    """Emits events: passed to `start_async` for one capture, and to `dump_state` for one dump.

    Any thread may use it. After its capture has closed it raises CaptureClosedError, and does not
    access the framework.
    """

    @abstractmethod
    def emit(
        self,
        name: str | AsyncEvent,
        data: Any = None,
        *,
        ts_ns: int | None = None,
        tid: int | None = None,
        direct: bool = False,
        plugin_id: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Emit one event; return when it is in the plugin's ring, waiting while that is full.

        The wait ends with RingFullError when a hook has blocked Falco's own thread for 5 s: it
        takes no events meanwhile, and the hook may be waiting for a lock that the caller holds.

        Args:
            name: One of `async_events`, or an AsyncEvent that contains all other arguments.
            data: bytes, str, or an object that JSON can hold.
            ts_ns: See `AsyncEvent`.
            tid: See `AsyncEvent`.
            direct: Call the framework's handler immediately on this thread. Slower, and the
                framework silently drops such events when its queue of 4096 is full.
            plugin_id: See `AsyncEvent`.
            timeout: Seconds to wait for room; then RingFullError.

        Raises:
            EmitError: the event was not emitted; the subclass says why.

        """

    @abstractmethod
    def emit_many(
        self,
        name: str,
        payloads: Iterable[Any],
        *,
        ts_ns: int | None = None,
        tid: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """Emit an event for each of `payloads`, and return their number; one `timeout` for all.

        Raises:
            EmitError: the first event that could not be emitted; the error's `emitted` is the
                number of events emitted before it.

        """

    @property
    @abstractmethod
    def counters(self) -> AsyncCounters:
        """The outcomes of the plugin's async events since init."""

    @property
    @abstractmethod
    def producers(self) -> tuple[ProducerState, ...]:
        """The state of each decorated producer: running, failing, waiting, ended or stopped."""


class AsyncEvents:
    """Mixin: the plugin emits async events.

    Attributes:
        async_events: The names it may emit, each at most 31 bytes; those of decorated producers are
            added. Falco refuses all other names.
        async_event_sources: The event sources it may emit into; () for any. A capture of another
            source refuses every emission.

    """

    async_events: ClassVar[Sequence[str]] = ()
    async_event_sources: ClassVar[Sequence[str]] = ()

    def start_async(self, handler: AsyncEventHandler) -> None:
        """Start the work that emits through `handler`, and return.

        Required: unless there are decorated producers. Called: when a capture opens, within 30 s;
        not when a capture file is read. Raise: the capture does not open.
        """

    def stop_async(self) -> None:
        """End the work and wait until it has ended.

        Required: no. Called: when the capture closes, within 5 s; after that the handler refuses
        every emission, so work that continues cannot harm the host.
        """

    def dump_state(self, handler: AsyncEventHandler) -> None:
        """Emit events from which a reader of the capture file can rebuild the state.

        Required: no. Called: when Falco starts to write a capture file; the work may be running.
        The events are written unchanged at the start of the file, with the current time unless
        `ts_ns` is set, under the plugin's own source unless `plugin_id` is set; a reader parses
        them before anything else. Raise: falcokit logs it, and the file has the events emitted
        before.
        """
