# SPDX-License-Identifier: Apache-2.0
"""An open event source in an author's own tests, made by `RunningPlugin.open`.

Public as `falcokit.testing`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.event.event import Event

if TYPE_CHECKING:
    from types import TracebackType

    from falcokit.runtime.source.open_source import OpenSource
    from falcokit.testing._running import RunningPlugin

__all__ = ["Batch", "RunningSource"]


class Batch(NamedTuple):
    """What one next_batch gave: its events, and "success", "timeout" (nothing now) or "eof"."""

    events: list[Event]
    result: Literal["success", "timeout", "eof"]


class RunningSource:
    """An event source between open and close, read as the framework reads it.

    Attributes:
        instance: What the author's `open` returned.

    """

    def __init__(self, running: RunningPlugin, opened: OpenSource) -> None:
        self._running = running
        self._opened = opened
        self.instance = opened.instance

    def __enter__(self) -> Self:
        """Return the source, which is closed on exit."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def next_batch(self, timeout: float = 0.03) -> Batch:
        """Return the events that are there, waiting up to `timeout` seconds for the first.

        Raises:
            Exception: what ended the source, after the events before it were returned.

        """
        taken = self._opened.queue.take(timeout)
        events = [self._decoded(data, ts) for data, ts in taken.items]
        if taken.end is not None and taken.end:
            error = self._opened.error
            raise error if isinstance(error, Exception) else PluginError(taken.end)
        if taken.end is not None:
            return Batch(events, "eof")
        return Batch(events, "timeout" if taken.idle or not events else "success")

    def events(self, limit: int | None = None, timeout: float = 5.0) -> list[Event]:
        """Return the next `limit` events, or those up to the end; fewer after `timeout` seconds.

        Raises:
            Exception: what ended the source.

        """
        found: list[Event] = []
        deadline = time.monotonic() + timeout
        while limit is None or len(found) < limit:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            batch = self.next_batch(min(left, 0.03))
            found += batch.events
            if batch.result == "eof":
                break
        return found if limit is None else found[:limit]

    def _decoded(self, data: bytes, ts_ns: int | None) -> Event:
        running = self._running
        number, source = running.take_number(), running.source
        if not running.plugin_id:
            return Event.from_bytes(data, source=source, number=number)
        ts = time.time_ns() if ts_ns is None else ts_ns
        return Event(data, ts_ns=ts, source=source, number=number, plugin_id=running.plugin_id)

    @property
    def dropped(self) -> int:
        """How many events were dropped so far, too large or with the queue full."""
        return self._opened.queue.dropped

    def progress(self) -> tuple[float, str]:
        """Return the progress, from 0.0 to 1.0, and its text."""
        share, text = self._opened.progress()
        return share / 10_000, text

    def close(self) -> None:
        """Close it, once."""
        self._running.close_source(self._opened.key)
