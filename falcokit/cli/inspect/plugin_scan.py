# SPDX-License-Identifier: Apache-2.0
"""The events of a large capture with the fields of a plugin: C looks ahead and asks for them.

Before C chooses among the next events, and writes their lines, it makes frames of them for the
plugin, which runs in a process of its own. Only an event that C leaves to Python is asked for
alone.
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.filter.compile import Filter
from falcokit.capture.native.frames import NativeFrames
from falcokit.capture.native.selection import EventQuery
from falcokit.cli.inspect.choice import query_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.capture.events.event import Event
    from falcokit.capture.native.scan import Library
    from falcokit.capture.reader import Capture
    from falcokit.cli.inspect.plugin_filter import PluginFilter
    from falcokit.runner.extract import ExtractionClient, Value

    Row = tuple[Value, ...] | None

__all__ = ["PluginScan"]

#: Codes of events that C knows.
_CODES: Final = 512


class PluginScan:
    """Looks ahead of one pass over a capture, for the events that are `wanted`.

    The columns of the extraction are those of a filter that reads fields, and then those that are
    wanted of the events that pass. A plugin that parses gets every event once, and is asked for
    all columns then; any other for the first columns of the events that may pass, and for the rest
    of those that do.
    """

    def __init__(self, extraction: ExtractionClient, wanted: Filter | PluginFilter | None) -> None:
        self._extraction = extraction
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

    def query(self) -> EventQuery:
        """Return what C needs to choose the events."""
        wanted = self._wanted
        if wanted is None:
            return EventQuery(sure=frozenset(range(_CODES)), ahead=self._bind)
        if isinstance(wanted, Filter):
            return query_of(wanted).replace(ahead=self._bind)
        return EventQuery(condition=wanted.native(), ahead=self._bind)

    def matches(self, event: Event) -> bool:
        """Return whether an event that C leaves to Python is wanted."""
        wanted = self._wanted
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
        self._extraction.choose_columns(0, self._columns)
        ((_, row),) = self._extraction.extract((event,))
        return row

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
        if self._begin <= base + at < self._end:
            return self._end - base
        assert self._frames is not None  # noqa: S101 - `_bind` comes before
        frames = self._frames.make(capture, buffer, at, base, len(buffer))
        self._begin, self._end = base + at, base + frames.end
        self._first = capture.event_count + 1
        self._extraction.choose_columns(0, self._filtered if self._in_two else self._columns)
        self._rows = self._answered(frames.data, frames.sent)
        if self._filtered and not isinstance(self._wanted, Filter) and self._wanted is not None:
            self._tell(self._wanted.truths(self._rows))
        if self._in_two and self._filtered < self._columns:
            chosen = self._frames.make(capture, buffer, at, base, frames.end)
            self._extraction.choose_columns(self._filtered, self._columns)
            self._rest = self._answered(chosen.data, chosen.sent)
        return frames.end

    def _answered(self, frames: bytes, sent: bytes) -> list[Row]:
        """Send frames, and return a row for each event, None for those that were not sent."""
        count = sent.count(1)
        found: Sequence[Row] = self._extraction.rows_of(frames, count, self._first) if count else ()
        if count == len(sent):
            return list(found)
        rows: list[Row] = [None] * len(sent)
        for at, row in zip(compress(range(len(sent)), sent), found, strict=True):
            rows[at] = row
        return rows

    def _tell(self, truths: bytes) -> None:
        if self._condition is not None:
            self._truths = self._ffi.from_buffer(truths)
            outside = self._condition.outside
            outside.first, outside.count = self._first, len(self._rows)
            outside.truths = self._truths
