# SPDX-License-Identifier: Apache-2.0
"""The channel of an event source in Python: the twin of source/queue.c, for tests without a host.

`take` is what next_batch does there. Any thread may call every method.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from falcokit.runtime.base.errors import InvalidEventError, QueueFullError, SourceClosedError
from falcokit.runtime.event.event import PLUGIN_EVENT, Event, payload_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["Channel", "Taken"]

_IDLE_SECONDS = (0.0005, 0.01)  # from, doubled up to: when the source has nothing now
_ROOM_BYTES = 2 << 20


class Taken(NamedTuple):
    """One batch: (data, ts_ns) of each event, whether the source has nothing now, the end if told.

    Attributes:
        items: The events.
        idle: The source said that it has nothing now.
        end: None while it goes on, "" for EOF, else the text of the failure.

    """

    items: list[tuple[bytes, int | None]]
    idle: bool
    end: str | None


def _encoded(item: Any, *, whole: bool) -> tuple[bytes, int | None]:
    if item is None:
        raise InvalidEventError("None is no event")
    if whole:
        raw = item.raw if isinstance(item, Event) else payload_bytes(item)
        try:
            Event.from_bytes(raw)
        except ValueError as e:
            raise InvalidEventError(f"a plugin without an id sends whole events: {e}") from e
        return raw, None
    if not isinstance(item, Event):
        return _payload(item), time.time_ns()
    if item.type != PLUGIN_EVENT:
        what = "a plugin with an id sends plugin events (type 322), not type"
        raise InvalidEventError(f"{what} {item.type}")
    ts = item.ts_ns
    if ts is not None and not (isinstance(ts, int) and 0 <= ts < 2**64):
        raise InvalidEventError(f"ts_ns is an int from 0 to 2**64-1 or None, not {ts!r}")
    return _payload(item.data), time.time_ns() if ts is None else ts


def _payload(data: Any) -> bytes:
    try:
        return payload_bytes(data)
    except InvalidEventError:
        if not isinstance(data, str):
            raise
        return data.encode(errors="replace")  # half a surrogate pair: no reason to end the capture


def _until(timeout: float | None) -> float:
    return math.inf if timeout is None else time.monotonic() + timeout


class Channel:
    """Events between a source's Python side and its host."""

    _lock: threading.Condition
    _items: deque[tuple[bytes, int | None]]
    _bytes: int
    _max_events: int
    _max_size: int
    _drop: bool
    _whole: bool
    _attached: bool
    _idle: bool
    _shut: bool
    _last_dropped: bool
    _end: str | None
    _oversize: int
    _full: int
    _log: Callable[[int, int, int], None] | None
    _maker: threading.Thread
    _asked: threading.Event

    def __new__(cls, max_events: int, drop: bool, whole: bool, max_size: int) -> Self:
        """Make an empty one; a subclass has a signature of its own."""
        self = object.__new__(cls)
        self._lock = threading.Condition()
        self._maker = threading.current_thread()
        self._asked = threading.Event()
        self._items = deque()
        self._bytes = 0
        self._max_events, self._drop, self._whole = max_events, drop, whole
        self._max_size = max_size
        self._log = self._end = None
        self._attached = self._idle = self._shut = self._last_dropped = False
        self._oversize = self._full = 0
        return self

    @property
    def closed(self) -> bool:
        """Whether the source has ended, or the host has closed it."""
        return self._shut or self._end is not None

    @property
    def dropped(self) -> int:
        """How many events were dropped."""
        return self._oversize + self._full

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Any, /, *, timeout: float | None = None) -> bool:
        """Put one event; True when it was taken, False when it was dropped.

        Raises:
            SourceClosedError: nobody takes events any more.
            InvalidEventError: it cannot be encoded.
            QueueFullError: in a hook, for which the host waits, or after `timeout` seconds.

        """
        return self._put(item, _until(timeout))

    def _put(self, item: Any, until: float) -> bool:
        while not self.offer(item):
            with self._lock:
                if self._drop:
                    self._full += 1
                    return False
                if not self._attached and threading.current_thread() is self._maker:
                    raise QueueFullError("the queue is full, and the host waits for this very hook")
                left = until - time.monotonic()
                if left <= 0:
                    raise QueueFullError(
                        "the queue is full, and stayed so for the time of timeout="
                    )
                self._lock.wait(min(0.02, left))
        return not self._last_dropped

    def put_many(self, items: Iterable[Any], /, *, timeout: float | None = None) -> int:
        """Put each event, and return how many were taken."""
        until = _until(timeout)
        return sum(self._put(item, until) for item in items)

    def offer(self, item: Any, /) -> bool:
        """Put without waiting: False when there is no room. None: there is nothing now."""
        if self.closed:
            raise SourceClosedError("the event source is closed: nobody takes events any more")
        if item is None:
            self._idle = True
            return True
        data, ts = _encoded(item, whole=self._whole)
        with self._lock:
            self._last_dropped = len(data) > self._max_size
            if self._last_dropped:
                self._oversize += 1
                if self._log is not None:
                    self._log(len(data), self._max_size, self._oversize)
                return True
            full = len(self._items) >= self._max_events or self._bytes + len(data) > _ROOM_BYTES
            if full and self._items:
                return False
            self._items.append((data, ts))
            self._bytes += len(data)
            self._idle = False
            self._lock.notify_all()
        return True

    def fill(self, iterator: Iterator[Any], /) -> bool:
        """Put what an iterator gives: True at its end, False when the source was closed."""
        idle = _IDLE_SECONDS[0]
        while not self._shut:
            try:
                item = next(iterator)
            except StopIteration:
                return True
            while not self._shut and not self.offer(item):
                self._wait(0.02)
            if item is None:
                self._wait(idle)
            idle = min(idle * 2, _IDLE_SECONDS[1]) if item is None else _IDLE_SECONDS[0]
        return False

    def _wait(self, seconds: float) -> None:
        with self._lock:
            if not self._shut:
                self._lock.wait(seconds)

    def attach(self, whole: bool, max_size: int, log: Callable[[int, int, int], None], /) -> int:
        """Make it the channel of a capture, and return its key."""
        if self._attached:
            raise ValueError("this queue was opened before: make a new one in open")
        if self._items and self._whole != whole:
            raise ValueError("the queue was made outside of the plugin's hooks: make it in open")
        self._attached, self._whole, self._max_size, self._log = True, whole, max_size, log
        return id(self)

    def wait_asked(self) -> None:
        """Wait until the first `take`, or until it is shut."""
        self._asked.wait()

    def end(self, text: str | None = None, /) -> None:
        """Tell that no more events come, or with a text that the source has failed."""
        with self._lock:
            if self._end is None:
                self._end = text or ""
            self._lock.notify_all()

    def shut(self) -> None:
        """Accept nothing any more, and let those go who wait."""
        with self._lock:
            self._shut = True
            self._lock.notify_all()
        self._asked.set()

    def take(self, timeout: float) -> Taken:
        """Take what is there, after waiting up to `timeout` seconds for the first."""
        deadline = time.monotonic() + timeout
        self._asked.set()
        with self._lock:
            while not self._items and self._end is None:
                if (left := deadline - time.monotonic()) <= 0:
                    break
                self._lock.wait(left)
            items = list(self._items)
            self._items.clear()
            self._bytes = 0
            self._lock.notify_all()
            # A failure is told by a batch of its own.
            end = None if items and self._end else self._end
            return Taken(items, self._idle, end)
