# SPDX-License-Identifier: Apache-2.0
"""Plugin and async events counted by name and plugin id, with the start of the last payload.

Filled by `summarize.Tally`; in C for large files, whose counts `merge` adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.summary.summary import PayloadStream

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event

__all__ = ["MAX_STREAMS", "StreamCounts", "Streams"]

#: Most pairs of name and id; a hostile file can give every event a name of its own.
MAX_STREAMS: Final = 1024
_LAST_DATA_BYTES: Final = 256
_NS: Final = 1_000_000_000


class StreamCounts:
    """The figures of one stream; `offset` is that of the event that `data` is from."""

    def __init__(
        self,
        *,
        count: int = 0,
        untimed: int = 0,
        size: int = 0,
        first: int | None = None,
        last: int | None = None,
        data: bytes = b"",
        data_size: int = 0,
        offset: int = -1,
    ) -> None:
        self.count, self.untimed, self.size = count, untimed, size
        self.first, self.last = first, last
        self.data, self.data_size, self.offset = data, data_size, offset

    def add(self, event: Event) -> None:
        """Count one event."""
        (data, size), ts = event.data_start(_LAST_DATA_BYTES), event.ts_ns
        self.count += 1
        self.size += size
        self.data, self.data_size, self.offset = data, size, event.offset
        if ts is None:
            self.untimed += 1
        else:
            self._span(ts, ts)

    def merge(self, other: StreamCounts) -> None:
        """Add the figures of other events of the same stream."""
        self.count += other.count
        self.untimed += other.untimed
        self.size += other.size
        if other.offset > self.offset:
            self.data, self.data_size, self.offset = other.data, other.data_size, other.offset
        if other.first is not None and other.last is not None:
            self._span(other.first, other.last)

    def freeze(self, name: str | None, plugin_id: int) -> PayloadStream:
        """Return the figures for a summary."""
        span = self.last - self.first if self.first is not None and self.last is not None else 0
        return PayloadStream(
            name=name,
            plugin_id=plugin_id,
            count=self.count,
            untimed=self.untimed,
            size=self.size,
            first_ns=self.first,
            last_ns=self.last,
            rate=(self.count - self.untimed - 1) * _NS / span if span else None,
            last_data=self.data,
            last_size=self.data_size,
        )

    def _span(self, first: int, last: int) -> None:
        self.first = first if self.first is None or first < self.first else self.first
        self.last = last if self.last is None or last > self.last else self.last


class Streams:
    """All streams of a capture, in the order of their first events."""

    def __init__(self) -> None:
        self._of: dict[tuple[str | None, int], int] = {}
        self._counts: list[StreamCounts] = []
        #: Events whose stream had no room.
        self.left_out = 0

    def add(self, event: Event) -> int | None:
        """Count a plugin or async event; return its stream's place, None without room.

        Raises:
            MalformedEventError: it lacks a parameter of its type.

        """
        key = (event.async_name, event.plugin_id or 0)
        place = self._of.get(key)
        if place is None:
            if len(self._counts) >= MAX_STREAMS:
                self.left_out += 1
                return None
            place = self._of[key] = len(self._counts)
            self._counts.append(StreamCounts())
        self._counts[place].add(event)
        return place

    def merge(self, place: int, counts: StreamCounts) -> None:
        """Add the figures of other events of the stream at `place`."""
        self._counts[place].merge(counts)

    def __len__(self) -> int:
        return len(self._counts)

    def freeze(self) -> list[PayloadStream]:
        """Return all streams, those with the most events first."""
        streams = [self._counts[place].freeze(*key) for key, place in self._of.items()]
        streams.sort(key=lambda stream: (-stream.count, stream.name or "", stream.plugin_id))
        return streams
