# SPDX-License-Identifier: Apache-2.0
"""Where the events of a capture are: `build_index` walks once, then reading begins anywhere.

The index holds the place of every n-th event; n doubles when the index is full, so that a file
of any size is indexed in constant memory. In a plain file reading begins at the place before the
wanted event; a gzip stream is inflated from its start, passing over events in C.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.format.layout import BIG, LITTLE
from falcokit.capture.native.scan import NativeScan, deferred, library
from falcokit.capture.native.selection import EventQuery, select
from falcokit.capture.reader import open_capture

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from falcokit.capture.events.event import Event
    from falcokit.capture.format.layout import Layout
    from falcokit.capture.native.scan import Library
    from falcokit.capture.reader import Capture

__all__ = ["EventIndex", "build_index"]

_ROOM: Final = 65536
_BIG_MARK: Final = 1 << 63
_LEADING_MARK: Final = 1 << 62


class EventIndex:
    """The places of events by number, from which they can be read.

    Numbers count from 1 in the order of the file, malformed events too.
    """

    def __init__(self, path: str | os.PathLike[str], *, room: int = _ROOM) -> None:
        """Begin an empty index of at most `room` places (even); `build_index` fills it."""
        self._path = path
        self._numbers = array("Q", bytes(8 * room))
        self._places = array("Q", bytes(8 * room))
        self._compressed = False
        self._used = 0
        self._stride = 1
        self._next = 1
        self._native: Any = None  # the same three figures, while C fills the arrays
        #: The highest number; 0 when there is no event.
        self.last = 0

    def build(self, capture: Capture, *, native: bool | None = None) -> None:
        """Note the events of `capture`, which was just opened.

        `native` forces or forbids the C code, which is otherwise used for large files.
        """
        self._compressed = capture.compressed
        if native is None:
            events = capture.scan(deferred(self._scanner))
        else:
            loaded = library() if native else None
            events = capture.scan(self._scanner(loaded) if loaded else None)
        for event in events:
            self._take_back()
            self._note(event, capture.layout)
            self._hand_over()
        capture.scan(None)
        self._take_back()
        self._native = None
        self.last = capture.event_count

    def events(self, first: int) -> Iterator[Event]:
        """Yield the events from number `first` on; close the iterator to stop early."""
        with open_capture(self._path) as capture:
            at = bisect_right(self._numbers, first, hi=self._used) - 1
            if not self._compressed and at > 0:
                place = self._places[at]
                capture.resume(
                    place & ~(_BIG_MARK | _LEADING_MARK),
                    BIG if place & _BIG_MARK else LITTLE,
                    number=self._numbers[at],
                    leading=bool(place & _LEADING_MARK),
                )
            yield from select(capture, EventQuery(first_number=first))

    def _note(self, event: Event, layout: Layout) -> None:
        if event.number < self._next:
            return
        if self._used == len(self._numbers):
            self._thin()
            if event.number < self._next:
                return
        marks = (layout is BIG and _BIG_MARK) | (event.leading and _LEADING_MARK)
        self._numbers[self._used] = event.number
        self._places[self._used] = event.offset | marks
        self._used += 1
        self._next = event.number + self._stride

    def _thin(self) -> None:
        """Keep every other place."""
        self._used //= 2
        for places in (self._numbers, self._places):
            for at in range(self._used):  # in place: C knows where the arrays lie
                places[at] = places[2 * at]
        self._stride *= 2
        self._next = self._numbers[self._used - 1] + self._stride

    def _scanner(self, loaded: Library) -> NativeScan:
        arrays = [
            loaded.ffi.from_buffer("uint64_t[]", places) for places in (self._numbers, self._places)
        ]
        self._native = loaded.ffi.new("struct fk_index *")
        self._native.room = len(self._numbers)
        self._native.numbers, self._native.places = arrays
        self._hand_over()
        return NativeScan(loaded, index=self._native, keep=arrays)

    def _take_back(self) -> None:
        if self._native is not None:
            self._used, self._next = self._native.used, self._native.next_number

    def _hand_over(self) -> None:
        if self._native is not None:
            self._native.used, self._native.stride = self._used, self._stride
            self._native.next_number = self._next


def build_index(path: str | os.PathLike[str]) -> EventIndex:
    """Walk over a file and return its index; raise CaptureError when nothing can be read."""
    index = EventIndex(path)
    with open_capture(path) as capture:
        index.build(capture)
    return index
