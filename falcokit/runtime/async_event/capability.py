# SPDX-License-Identifier: Apache-2.0
"""AsyncEvents: the capability of injecting named events into a live stream.

    class Ticker(Plugin, AsyncEvents):
        name, version, description, contact = "ticker", "0.1.0", "Ticks.", "you@example.com"

        @async_event("tick", every=0.1)
        def tick(self):
            return b"hello"

Falco starts the work when a capture opens and stops it when it closes. `start_async` and
`stop_async` are the form the other SDKs have; decorated producers are started and stopped beside
them. An event is matched by rules through its name: evt.type and evt.asynctype.
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
    """What became of a plugin's async events so far; they are in Falco's metrics too.

    Attributes:
        emitted: Emissions that returned.
        sent: Handed to the framework, which accepted them.
        delivered: Seen again in the event stream.
        unconfirmed: Sent, not seen again for a second or before later ones, and perhaps still in
            the framework's queue.
        lost: Dropped by the framework in silence: later ones came through and these did not.
        discarded: Emitted, and not yet sent when the capture closed.
        undelivered: Sent, and not seen again when the capture closed, nor in a later capture.
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
    """What emits: given to `start_async` for one capture, and to `dump_state` for one dump.

    Any thread may use it. After its capture has closed it raises CaptureClosedError, and never
    touches the framework.
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
        """Emit one event; returns when it is in the plugin's ring, waiting while that is full.

        The wait ends with RingFullError when Falco's own thread has been held up by a hook for 5 s:
        it takes nothing meanwhile, and the hook may be waiting for a lock that the caller holds.

        Args:
            name: One of `async_events`, or an AsyncEvent that holds everything.
            data: bytes, str, or an object that JSON can hold.
            ts_ns: See `AsyncEvent`.
            tid: See `AsyncEvent`.
            direct: Call the framework's handler at once from this thread. Slower, and the framework
                drops such events in silence when its queue of 4096 is full.
            plugin_id: See `AsyncEvent`.
            timeout: Seconds to wait for room; then RingFullError.

        Raises:
            EmitError: one of its kinds; the event was not emitted.

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
        """Emit an event for each of `payloads`, and return how many; `timeout` is for them all.

        Raises:
            EmitError: at the first that cannot be emitted; those before it are, and the error's
                `emitted` is their number.

        """

    @property
    @abstractmethod
    def counters(self) -> AsyncCounters:
        """What became of the plugin's async events since init."""

    @property
    @abstractmethod
    def producers(self) -> tuple[ProducerState, ...]:
        """What each decorated producer is doing: running, failing, waiting, ended or stopped."""


class AsyncEvents:
    """Mixin: the plugin emits async events.

    Attributes:
        async_events: The names it may emit, each at most 31 bytes; the names of decorated producers
            are added. Falco refuses every other.
        async_event_sources: The event sources it may emit into; () for any. A capture of another
            one refuses every emission.

    """

    async_events: ClassVar[Sequence[str]] = ()
    async_event_sources: ClassVar[Sequence[str]] = ()

    def start_async(self, handler: AsyncEventHandler) -> None:
        """Start the work that emits through `handler`, and return.

        Required: no, when there are decorated producers. Called: when a capture opens, within 30 s;
        not when a capture file is read. Raise: the capture then does not open.
        """

    def stop_async(self) -> None:
        """End the work and wait until it has ended.

        Required: no. Called: when the capture closes, within 5 s; after that the handler is dead,
        and work that goes on can do no harm to the host.
        """

    def dump_state(self, handler: AsyncEventHandler) -> None:
        """Emit events that let a reader of the capture file rebuild the state.

        Required: no. Called: when a capture file is begun, while the work may be running. The
        events are written as they are, at the head of the file, with the time of now unless `ts_ns`
        is set, under the plugin's own source unless `plugin_id` is; a reader parses them before
        anything else. Raise: falcokit logs it, and the file has what was emitted before.
        """
