# SPDX-License-Identifier: Apache-2.0
"""The events of a large capture with the fields of a plugin: C looks ahead and asks for them.

Before C chooses among the next events, and writes their lines, it makes frames of them for the
plugin, which runs in a process of its own. Only an event that C leaves to Python is asked for
alone.
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from falcokit.capture.filter.compile import Filter
from falcokit.capture.native.frames import NativeFrames
from falcokit.capture.native.selection import EventQuery
from falcokit.cli.inspect.choice import query_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.native.scan import Library
    from falcokit.capture.reader import Capture
    from falcokit.cli.inspect.plugin_filter import PluginFilter
    from falcokit.runner.extract import ExtractionClient, Value

    Row = tuple[Value, ...] | None

__all__ = ["PluginScan"]

#: Codes of events that C knows.
_CODES: Final = 512


class _Asked(NamedTuple):
    """Events that were sent: offsets in the capture, how many were before, which get a row."""

    begin: int
    end: int
    before: int
    sent: bytes
    rows: list[Row] | None = None


class PluginScan:
    """Looks ahead of one pass over a capture, for the events that are `wanted`.

    The columns of the extraction are those of a filter that reads fields, and then those that are
    wanted of the events that pass. A plugin that parses gets every event once, and is asked for
    all columns then; any other for the first columns of the events that may pass, and for the rest
    of those that do.
    """

    def __init__(
        self,
        extraction: ExtractionClient,
        wanted: Filter | PluginFilter | None,
        start_again: Callable[[], ExtractionClient],
    ) -> None:
        """`start_again` is called when a plugin has failed that is no worse for a new start."""
        self._extraction = extraction
        self._start_again = start_again
        self._wanted = wanted
        self._columns: Final = len(extraction.columns)
        filtered = 0 if wanted is None or isinstance(wanted, Filter) else len(wanted.columns)
        self._in_two: Final = bool(filtered) and not extraction.parses
        #: How many columns a filter reads, the first ones.
        self._filtered: Final = filtered
        self._frames: NativeFrames | None = None
        self._condition: Any = None
        self._truths: Any = None
        self._ffi: Any = None
        # What was asked for: of the events from `_first` on, up to an offset in the capture.
        self._begin = self._end = 0
        self._first = 1
        self._rows: list[Row] = []
        self._rest: list[Row] = []
        self._next: _Asked | None = None
        self._alone: tuple[int, Row] | None = None

    def query(self) -> EventQuery:
        """Return what C needs to choose the events."""
        wanted = self._wanted
        if wanted is None:
            return EventQuery(sure=frozenset(range(_CODES)), ahead=self._bind)
        if isinstance(wanted, Filter):
            return query_of(wanted).replace(ahead=self._bind)
        codes = wanted.codes(self._extraction.codes)
        return EventQuery(codes=codes, condition=wanted.native(), ahead=self._bind)

    def matches(self, event: Event) -> bool:
        """Return whether an event that C leaves to Python is wanted."""
        wanted = self._wanted
        if self._extraction.parses and not self._was_asked_for(event):
            self._ask_alone(event)
        if wanted is None or isinstance(wanted, Filter):
            return wanted is None or wanted.matches(event)
        return wanted.passes(event, self._filter_row(event))

    def values(self, number: int) -> Row:
        """Return the values of all columns of an event that passed; None: not for the plugin."""
        at = number - self._first
        row = self._rows[at]
        if row is None or not self._in_two:
            return row
        rest = self._rest[at]
        return row + (rest or (None,) * (self._columns - self._filtered))

    def values_of(self, event: Event) -> Row:
        """Return the same of an event that C left to Python."""
        if self._was_asked_for(event):
            row = self.values(event.number)
            if row is not None and len(row) == self._columns:
                return row
        return self._ask_alone(event)

    def _was_asked_for(self, event: Event) -> bool:
        return self._begin <= event.offset < self._end

    def _filter_row(self, event: Event) -> Row:
        if self._was_asked_for(event):
            return self._rows[event.number - self._first]
        return self._ask_alone(event)

    def _ask_alone(self, event: Event) -> Row:
        if self._alone is None or self._alone[0] != event.number:
            self.settle()
            self._extraction.choose_columns(0, self._columns)
            ((_, row),) = self._extraction.extract((event,))
            self._alone = event.number, row
        return self._alone[1]

    # ---- ahead of C ------------------------------------------------------------------------------

    def _bind(self, loaded: Library, condition: Any) -> PluginScan:
        self._ffi, self._condition = loaded.ffi, condition
        self._frames = NativeFrames(
            loaded,
            codes=self._extraction.codes,
            plugin_ids=self._extraction.plugin_ids,
            condition=condition,
            parses=self._extraction.parses,
        )
        return self

    def __call__(self, capture: Capture, buffer: bytes, at: int, base: int) -> int:
        """Ask for the events from `at` on, as a Scanner goes over them."""
        offset = base + at
        if self._begin <= offset < self._end:
            return self._end - base
        if self._next is not None and self._next.begin != offset:
            self.settle()
            self._next = None
        asked = self._next or self._ask(capture, buffer, offset, base, capture.event_count)
        self._next = None
        self._begin, self._end = offset, asked.end
        self._first = asked.before + 1
        self._rows = self._answer(asked)
        if len(self._rows) < len(asked.sent):
            asked = self._shrink(capture, buffer, base, asked, len(self._rows))
            if self._in_two:  # the events before the failure still need their other columns
                self._extraction = self._start_again()
        if self._filtered and not isinstance(self._wanted, Filter) and self._wanted is not None:
            self._tell(self._wanted.truths(self._rows))
        rest = None
        if self._in_two and self._filtered < self._columns:
            rest = self._ask_again(capture, buffer, base, asked)
        # The plugin works on the next events while the lines of these are made.
        if asked.end > offset and asked.end - base < len(buffer):
            count = asked.before + len(asked.sent)
            self._next = self._ask(capture, buffer, asked.end, base, count)
        if rest is not None:
            self._rest = self._answer(rest)
            if len(self._rest) < len(rest.sent):
                self._shrink(capture, buffer, base, asked, len(self._rest))
        return self._end - base

    def settle(self) -> None:
        """Take the rows that were asked for and are not needed any more."""
        if self._next is not None:
            self._next = self._next._replace(rows=self._answer(self._next))

    def _ask(self, capture: Capture, buffer: bytes, begin: int, base: int, count: int) -> _Asked:
        """Send the events from offset `begin` on, before which there are `count`."""
        self._extraction.choose_columns(0, self._filtered if self._in_two else self._columns)
        return self._send(capture, buffer, base, _Asked(begin, base + len(buffer), count, b""))

    def _ask_again(self, capture: Capture, buffer: bytes, base: int, asked: _Asked) -> _Asked:
        """Send those events again that pass, for the other columns."""
        self._extraction.choose_columns(self._filtered, self._columns)
        return self._send(capture, buffer, base, asked)

    def _send(self, capture: Capture, buffer: bytes, base: int, asked: _Asked) -> _Asked:
        assert self._frames is not None  # noqa: S101 - `_bind` comes before
        at, end = asked.begin - base, asked.end - base
        frames = self._frames.make(capture, buffer, at, base, end=end, count=asked.before)
        if frames.data:
            self._extraction.send(frames.data)
        return _Asked(asked.begin, base + frames.end, asked.before, frames.sent)

    def _shrink(
        self, capture: Capture, buffer: bytes, base: int, asked: _Asked, count: int
    ) -> _Asked:
        """Leave out what comes after `count` events: the plugin has failed, which is said there."""
        assert self._frames is not None  # noqa: S101 - as above
        at, end = asked.begin - base, asked.end - base
        before = asked.before
        found = self._frames.make(capture, buffer, at, base, end=end, count=before, most=count)
        self._end = base + found.end
        self._next = None
        return asked._replace(end=self._end, sent=found.sent)

    def _answer(self, asked: _Asked) -> list[Row]:
        """Return a row for each event, None for those that were not sent.

        Where the plugin fails after it has answered some, those that come after are missing.
        """
        if asked.rows is not None:
            return asked.rows
        sent = asked.sent
        count = sent.count(1)
        found = self._extraction.take_rows(count, asked.before + 1) if count else []
        if count == len(sent):
            return found
        rows: list[Row] = [None] * len(sent)
        places = list(compress(range(len(sent)), sent))
        for at, row in zip(places, found, strict=False):
            rows[at] = row
        return rows if len(found) == count else rows[: places[len(found)]]

    def _tell(self, truths: bytes) -> None:
        if self._condition is not None:
            self._truths = self._ffi.from_buffer(truths)
            outside = self._condition.outside
            outside.first, outside.count = self._first, len(self._rows)
            outside.truths = self._truths
