# SPDX-License-Identifier: Apache-2.0
"""Counting in C, whose figures `summarize.Tally` adds to its own at the end.

The C code counts the usual events. An event of a new name, or in an unusual form, is left to
Python, which counts it and registers the name with C.
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import ASYNC_EVENT
from falcokit.capture.events.pairing import Mismatch
from falcokit.capture.native.scan import NativeScan
from falcokit.capture.summary.streams import StreamCounts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.pairing import Pairing
    from falcokit.capture.native.scan import Library
    from falcokit.capture.reader import Capture
    from falcokit.capture.summary.histogram import HistogramTally
    from falcokit.capture.summary.streams import Streams

__all__ = ["NativeTally"]

_NO_NAME: Final = 0xFFFF


class NativeTally:
    """A scanner for `Capture.scan` that counts."""

    def __init__(self, loaded: Library, pairing: Pairing) -> None:
        self._ffi, self._lib = loaded.ffi, loaded.lib
        self._tally: Any = loaded.ffi.new("struct fk_tally *")
        self._kept = (  # shared with Python
            loaded.ffi.from_buffer("uint64_t[]", pairing.tids),
            loaded.ffi.from_buffer("uint64_t[]", pairing.marks),
        )
        self._tally.pair_tids, self._tally.pair_marks = self._kept
        self._scan = NativeScan(loaded, tally=self._tally)

    def __call__(self, capture: Capture, buffer: bytes, at: int, base: int) -> int:
        """Count, as a Scanner does."""
        self._tally.generation = capture.section_count
        return self._scan(capture, buffer, at, base)

    def learn(self, event: Event, place: int) -> None:
        """Have events with the name and id of this one counted in C from now on."""
        name, length = b"", _NO_NAME
        if event.code == ASYNC_EVENT:
            name = event.params[1].rstrip(b"\0")
            length = len(name)
        if length <= self._lib.FK_NAME_BYTES or length == _NO_NAME:
            self._lib.fk_add_name(self._tally, name, length, event.plugin_id, place)

    def finish(self, capture: Capture) -> None:
        """Add the blocks that were taken to those that the capture has counted."""
        self._scan.finish(capture)

    @property
    def untimed(self) -> int:
        """Events without a time."""
        return int(self._tally.untimed)

    @property
    def state_only(self) -> int:
        """Events kept for their effect on the state."""
        return int(self._tally.state_only)

    @property
    def leading(self) -> int:
        """State events at the heads of sections."""
        return int(self._tally.leading)

    @property
    def span(self) -> tuple[int, int] | None:
        """The earliest and the latest time in ns."""
        if not self._tally.timed:
            return None
        return self._tally.first, self._tally.last

    def codes(self) -> Iterator[tuple[int, int]]:
        """Yield event codes and how many events they have."""
        return _counted(self._tally.counts)

    def syscalls(self, code: int) -> Iterator[tuple[int, int]]:
        """Yield ids of system calls and how many events of the generic `code` they have."""
        return _counted(self._tally.syscalls[code])

    def merge_streams(self, streams: Streams) -> None:
        """Add the figures of all streams."""
        for place in range(len(streams)):
            stream = self._tally.streams[place]
            if not stream.count:
                continue
            timed = stream.count > stream.untimed
            size = stream.last_size
            shown = min(size, self._lib.FK_DATA_BYTES)
            counts = StreamCounts(
                count=stream.count,
                untimed=stream.untimed,
                size=stream.size,
                first=stream.first if timed else None,
                last=stream.last if timed else None,
                data=self._ffi.buffer(stream.last_data, shown)[:],
                data_size=size,
                offset=stream.last_offset,
            )
            streams.merge(place, counts)

    def merge_histogram(self, histogram: HistogramTally) -> None:
        """Add the events over time."""
        counts = self._tally.histogram
        if counts.total:
            keys = range(counts.low, counts.high + 1)
            bins = [(key, counts.bins[key % self._lib.FK_BINS]) for key in keys]
            histogram.merge(counts.shift, [(key, count) for key, count in bins if count])

    def merge_pairing(self, pairing: Pairing) -> None:
        """Add the mismatches."""
        if self._tally.mismatches:
            first = Mismatch(
                offset=self._tally.mismatch_offset,
                exit_code=self._tally.mismatch_exit,
                enter_code=self._tally.mismatch_enter,
            )
            pairing.note(first, self._tally.mismatches)


def _counted(counts: Any) -> Iterator[tuple[int, int]]:
    numbers = list(counts)
    return compress(enumerate(numbers), numbers)
