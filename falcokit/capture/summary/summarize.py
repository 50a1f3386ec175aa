# SPDX-License-Identifier: Apache-2.0
"""One pass over a capture, counting: `summarize(path)` for a file, `Tally` for an open one.

Only plugin and async events have their parameters cut; of all others the header is enough. The
events of large files are counted in C, if it is available, with the same result.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import (
    ASYNC_EVENT,
    GENERIC_SYSCALLS,
    PLUGIN_EVENT,
    event_table,
)
from falcokit.capture.events.pairing import Mismatch, Pairing
from falcokit.capture.format.errors import MalformedEventError, Notice
from falcokit.capture.format.layout import BLOCK_TYPES, BlockKind
from falcokit.capture.native.scan import NativeScan, scan_events
from falcokit.capture.reader import open_capture
from falcokit.capture.summary.histogram import HistogramTally
from falcokit.capture.summary.streams import MAX_STREAMS, StreamCounts, Streams
from falcokit.capture.summary.summary import (
    BlockCount,
    EventTotals,
    FileFacts,
    Summary,
    TimeRange,
    TypeCount,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from falcokit.capture.events.event import Event
    from falcokit.capture.native.scan import Library
    from falcokit.capture.reader import Capture

__all__ = ["MAX_STREAMS", "NativeTally", "Tally", "summarize"]

_SHOWN_CODES: Final = 5
_SYSCALLS: Final = 0  # the plugin id of events that belong to no source plugin


class Tally:
    """Counts events, the rest of a capture or one at a time, and makes a summary of them."""

    def __init__(self) -> None:
        self._codes: Counter[int] = Counter()
        self._syscalls: Counter[tuple[int, str]] = Counter()
        self._streams = Streams()
        self._histogram = HistogramTally()
        self._pairing = Pairing()
        self._native: NativeTally | None = None
        self._first: int | None = None
        self._last: int | None = None
        self._untimed = 0
        self._state_only = 0
        self._leading = 0
        self._malformed = 0

    def count(self, capture: Capture, *, native: bool | None = None) -> None:
        """Count the rest of the events of `capture`.

        An exception from outside, such as KeyboardInterrupt, leaves what was counted until
        then. `native` forces or forbids the C code, which is otherwise used for large files.
        """
        try:
            for event in scan_events(capture, self._begin_native, native=native):
                self._pairing.section = capture.section_count
                self.add(event)
        finally:
            capture.scan(None)
            if self._native is not None:
                self._merge(self._native, capture)
                self._native = None

    def add(self, event: Event) -> None:
        """Count one event."""
        code, ts = event.code, event.ts_ns
        self._codes[code] += 1
        self._leading += event.leading
        self._state_only += event.state_only
        if ts is None:
            self._untimed += 1
        else:
            self._histogram.add(ts)
            self._span(ts, ts)
        if code in {PLUGIN_EVENT, ASYNC_EVENT}:
            self._add_payload(event)
        elif code in GENERIC_SYSCALLS:
            self._syscalls[code, event.type] += 1
        self._pairing.add(event)

    def _add_payload(self, event: Event) -> None:
        try:
            place = self._streams.add(event)
        except MalformedEventError:
            self._malformed += 1
            return
        if self._native is not None and place is not None:
            self._native.learn(event, place)

    def _span(self, first: int, last: int) -> None:
        if self._first is None or first < self._first:
            self._first = first
        if self._last is None or last > self._last:
            self._last = last

    def _begin_native(self, loaded: Library) -> NativeTally:
        self._native = NativeTally(loaded, self._pairing)
        return self._native

    def _merge(self, native: NativeTally, capture: Capture) -> None:
        native.scan.finish(capture)
        figures = native.figures
        self._codes.update(dict(_counted(figures.counts)))
        for code in GENERIC_SYSCALLS:
            for number, count in _counted(figures.syscalls[code]):
                self._syscalls[code, _syscall_name(code, number)] += count
        if figures.timed:
            self._span(figures.first, figures.last)
        self._untimed += figures.untimed
        self._state_only += figures.state_only
        self._leading += figures.leading
        native.merge_streams(self._streams)
        native.merge_histogram(self._histogram)
        native.merge_pairing(self._pairing)

    def summary(self, capture: Capture) -> Summary:
        """Return the counts together with what the capture collected while reading."""
        streams = self._streams.freeze()
        events = EventTotals(
            count=self._codes.total(),
            untimed=self._untimed,
            state_only=self._state_only,
            leading_state=self._leading,
            malformed=self._malformed + capture.malformed_events,
            types=self._types(),
        )
        time = None
        if self._first is not None and self._last is not None:
            time = TimeRange(first_ns=self._first, last_ns=self._last)
        return Summary(
            file=_file_facts(capture),
            blocks=_block_counts(capture),
            unknown_blocks=capture.unknown_blocks,
            machine=capture.machine,
            time=time,
            histogram=self._histogram.freeze(),
            events=events,
            async_events=tuple(stream for stream in streams if stream.name is not None),
            plugin_events=tuple(stream for stream in streams if stream.name is None),
            plugin_ids=tuple(sorted({s.plugin_id for s in streams} - {_SYSCALLS})),
            notices=capture.notices + self._notices(),
        )

    def _types(self) -> tuple[TypeCount, ...]:
        types = [
            _type_count(code, count)
            for code, count in self._codes.items()
            if code not in GENERIC_SYSCALLS
        ]
        types += [_type_count(code, count, name) for (code, name), count in self._syscalls.items()]
        return tuple(sorted(types, key=lambda entry: (-entry.count, entry.code, entry.name)))

    def _notices(self) -> tuple[Notice, ...]:
        unknown = [code for code in self._codes if event_table().get(code) is None]
        left_out = self._streams.left_out
        found = (
            ("malformed-event", "plugin or async events lack a parameter", self._malformed),
            ("streams", f"events have more than {MAX_STREAMS} names and ids", left_out),
            ("unknown-event", _unknown_text(unknown), sum(self._codes[code] for code in unknown)),
            ("no-events", "no event is stored: a replay refuses such a file", not self._codes),
        )
        notices = [
            Notice(kind=kind, message=message, offset=0, count=int(count))
            for kind, message, count in found
            if count
        ]
        if first := self._pairing.first:
            text = (
                f"an exit event of {_name(first.exit_code)} meets the enter event of"
                f" {_name(first.enter_code)}: a replay stops here"
            )
            count = self._pairing.count
            notices.append(Notice(kind="replay", message=text, offset=first.offset, count=count))
        return tuple(notices)


def summarize(path: str | os.PathLike[str]) -> Summary:
    """Read the whole file; raise CaptureError when nothing of it can be read."""
    tally = Tally()
    with open_capture(path) as capture:
        tally.count(capture)
        return tally.summary(capture)


def _file_facts(capture: Capture) -> FileFacts:
    first = capture.sections[0]
    return FileFacts(
        path=str(capture.path),
        size=capture.size,
        inflated_size=capture.inflated_size,
        compressed=capture.compressed,
        format_version=f"{first.major}.{first.minor}",
        byte_order=first.byte_order,
        sections=capture.section_count,
        comment=first.comment,
        application=first.application,
    )


def _block_counts(capture: Capture) -> tuple[BlockCount, ...]:
    counts: dict[str, BlockCount] = {}
    listed = {BlockKind.PROCESSES, BlockKind.FDS, BlockKind.INTERFACES, BlockKind.USERS}
    for code, count in capture.blocks.items():
        block = BLOCK_TYPES[code]
        before = counts.get(block.name)
        records = capture.records[code] + (before.records or 0 if before else 0)
        counts[block.name] = BlockCount(
            name=block.name,
            kind=str(block.kind),
            count=count + (before.count if before else 0),
            records=records if block.kind in listed else None,
        )
    return tuple(counts.values())


def _type_count(code: int, count: int, name: str | None = None) -> TypeCount:
    event_type = event_table().get(code)
    return TypeCount(
        code=code,
        name=name or event_table().name(code),
        direction=event_table().direction(code),
        source=event_type.source if event_type else "unknown",
        topic=event_type.topic if event_type else "unknown",
        count=count,
    )


def _unknown_text(codes: list[int]) -> str:
    shown = ", ".join(map(str, sorted(codes)[:_SHOWN_CODES]))
    more = ", ..." if len(codes) > _SHOWN_CODES else ""
    return f"events have codes that this version does not know: {shown}{more}"


def _name(code: int) -> str:
    event_type = event_table().get(code)
    return event_type.name if event_type else str(code)


def _syscall_name(code: int, number: int) -> str:
    return event_table().ppm_sc.get(number) or _name(code)


_NO_NAME: Final = 0xFFFF


class NativeTally:
    """A scanner for `Capture.scan` that counts in C; `Tally` adds its `figures` at the end.

    C counts the usual events. One of a new name, or in an unusual form, is left to Python, which
    counts it and registers the name with C.
    """

    def __init__(self, loaded: Library, pairing: Pairing) -> None:
        self._ffi, self._lib = loaded.ffi, loaded.lib
        self.figures: Any = loaded.ffi.new("struct fk_tally *")
        self._kept = (  # shared with Python
            loaded.ffi.from_buffer("uint64_t[]", pairing.tids),
            loaded.ffi.from_buffer("uint64_t[]", pairing.marks),
        )
        self.figures.pair_tids, self.figures.pair_marks = self._kept
        self.scan = NativeScan(loaded, tally=self.figures)

    def __call__(self, capture: Capture, buffer: bytes, at: int, base: int) -> int:
        """Count, as a Scanner does."""
        self.figures.generation = capture.section_count
        return self.scan(capture, buffer, at, base)

    def learn(self, event: Event, place: int) -> None:
        """Have events with the name and id of this one counted in C from now on."""
        name, length = b"", _NO_NAME
        if event.code == ASYNC_EVENT:
            name = event.params[1].rstrip(b"\0")
            length = len(name)
        if length <= self._lib.FK_NAME_BYTES or length == _NO_NAME:
            self._lib.fk_add_name(self.figures, name, length, event.plugin_id, place)

    def merge_streams(self, streams: Streams) -> None:
        """Add the figures of all streams."""
        for place in range(len(streams)):
            stream = self.figures.streams[place]
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
        counts = self.figures.histogram
        if counts.total:
            keys = range(counts.low, counts.high + 1)
            bins = [(key, counts.bins[key % self._lib.FK_BINS]) for key in keys]
            histogram.merge(counts.shift, [(key, count) for key, count in bins if count])

    def merge_pairing(self, pairing: Pairing) -> None:
        """Add the mismatches."""
        if self.figures.mismatches:
            first = Mismatch(
                offset=self.figures.mismatch_offset,
                exit_code=self.figures.mismatch_exit,
                enter_code=self.figures.mismatch_enter,
            )
            pairing.note(first, self.figures.mismatches)


def _counted(counts: Any) -> Iterator[tuple[int, int]]:
    numbers = list(counts)
    return compress(enumerate(numbers), numbers)
