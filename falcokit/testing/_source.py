# SPDX-License-Identifier: Apache-2.0
"""An open event source in an author's own tests, made by `RunningPlugin.open`.

Public as `falcokit.testing`.
"""

from __future__ import annotations

import ctypes
import struct
import time
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

from falcokit.runtime.event.event import PLUGIN_EVENT, Event

if TYPE_CHECKING:
    from types import TracebackType

    from falcokit.runtime.source.open_source import OpenSource
    from falcokit.testing._running import RunningPlugin

__all__ = ["Batch", "RunningSource"]

_HEADER: Final = struct.Struct("=QQIHI")
_NOT_SET: Final = 2**64 - 1
_ID_AT: Final = 34
_FAILURE, _SUCCESS, _TIMEOUT, _EOF = 1, 0, -1, 2


class Batch(NamedTuple):
    """What one next_batch gave: its events, and "success", "timeout" (nothing now) or "eof"."""

    events: list[Event]
    result: Literal["success", "timeout", "eof"]


class RunningSource:
    """An event source between open and close, read as the framework reads it.

    Attributes:
        instance: What the author's `open` returned.

    """

    def __init__(self, running: RunningPlugin, opened: OpenSource, handle: int) -> None:
        self._running = running
        self._opened = opened
        self._handle: int | None = handle
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
        deadline = time.monotonic() + timeout
        while True:
            events, answer = self._running.call(self._take)
            if answer == _EOF:
                return Batch(events, "eof")
            if answer != _TIMEOUT:
                return Batch(events, "success")
            if events or time.monotonic() >= deadline:
                return Batch(events, "timeout")

    def _take(self) -> tuple[list[Event], int]:
        running = self._running
        count, found = ctypes.c_uint32(), ctypes.POINTER(ctypes.c_void_p)()
        answer: int = running.library.plugin_next_batch(
            running.state, self._handle, ctypes.byref(count), ctypes.byref(found)
        )
        if answer == _FAILURE and not count.value:
            if isinstance(self._opened.error, Exception):
                raise self._opened.error
            running.fail()
        return [self._completed(found[i]) for i in range(count.value)], answer

    def _completed(self, at: int) -> Event:
        """Fill in what the framework does."""
        running = self._running
        ts, tid, length, code, nparams = _HEADER.unpack(ctypes.string_at(at, _HEADER.size))
        raw = bytearray(ctypes.string_at(at, length))
        if code == PLUGIN_EVENT:
            tid = _NOT_SET
            if running.plugin_id:
                struct.pack_into("=I", raw, _ID_AT, running.plugin_id)
        ts = time.time_ns() if ts == _NOT_SET else ts
        _HEADER.pack_into(raw, 0, ts, tid, length, code, nparams)
        number = running.take_number()
        return Event.from_bytes(bytes(raw), source=running.source, number=number)

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

    @property
    def dropped(self) -> int:
        """How many events were dropped so far, too large or with the queue full."""
        return self._opened.queue.dropped

    def progress(self) -> tuple[float, str]:
        """Return the progress, from 0.0 to 1.0, and its text."""
        running, share = self._running, ctypes.c_uint32()

        def ask() -> bytes | None:
            text: bytes | None = running.library.plugin_get_progress(
                running.state, self._handle, ctypes.byref(share)
            )
            return text

        text = running.call(ask, "progress")
        return share.value / 10_000, (text or b"").decode()

    def close(self) -> None:
        """Close it, once."""
        handle, self._handle = self._handle, None
        running = self._running
        if handle is not None:
            running.sources.remove(self)
            running.call(lambda: running.library.plugin_close(running.state, handle), "close")
