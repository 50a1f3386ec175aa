# SPDX-License-Identifier: Apache-2.0
"""Events over time in one pass and constant memory: bins whose width doubles as needed.

Filled by `summarize.Tally`, in C for large files. The width is a power of two in nanoseconds and
bins begin at its multiples, so the result does not depend on the order of the events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_BINS", "EventHistogram", "HistogramTally"]

MAX_BINS: Final = 512


class EventHistogram(Record):
    """Events with a time, counted in at most MAX_BINS bins of `width_ns`, the first at `start_ns`.

    The first and the last bin hold an event, unless there is none at all.
    """

    start_ns: int
    width_ns: int
    counts: tuple[int, ...]


class HistogramTally:
    """Counts events into bins."""

    def __init__(self) -> None:
        self._shift = 0
        self._bins: dict[int, int] = {}
        self._low = self._high = 0

    def add(self, ts: int) -> None:
        """Count an event at `ts` ns."""
        key = ts >> self._shift
        if key in self._bins:
            self._bins[key] += 1
        else:
            self._enter(key, 1)

    def merge(self, shift: int, bins: Iterable[tuple[int, int]]) -> None:
        """Add counts of bins that are 2**shift ns wide, each with its time >> shift."""
        if shift > self._shift:
            self._widen(shift - self._shift)
        for key, count in bins:
            self._enter(key >> self._shift - shift, count)

    def freeze(self) -> EventHistogram:
        """Return the counts, with the empty bins between them."""
        bins = self._bins
        keys = range(self._low, self._high + 1) if bins else ()
        return EventHistogram(
            start_ns=self._low << self._shift,
            width_ns=1 << self._shift,
            counts=tuple(bins.get(key, 0) for key in keys),
        )

    def _enter(self, key: int, count: int) -> None:
        """Count into the bin at `key`, which may be new and out of the range so far."""
        low, high = (min(self._low, key), max(self._high, key)) if self._bins else (key, key)
        by = 0
        while (high >> by) - (low >> by) >= MAX_BINS:
            by += 1
        if by:
            self._widen(by)
        self._low, self._high = low >> by, high >> by
        self._bins[key >> by] = self._bins.get(key >> by, 0) + count

    def _widen(self, by: int) -> None:
        folded: dict[int, int] = {}
        for key, count in self._bins.items():
            folded[key >> by] = folded.get(key >> by, 0) + count
        self._bins = folded
        self._low >>= by
        self._high >>= by
        self._shift += by
