# SPDX-License-Identifier: Apache-2.0
"""A capture file as a stream of events.

Events are decoded as the caller of `open_capture` iterates; everything between them (sections,
machine, counts) is collected on the way, so it is complete when the iteration is. A scanner in C
may consume events before they become Python objects: that is how events are counted and selected.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol, Self

from falcokit.capture.events.event import Event
from falcokit.capture.events.event_table import STATE_EVENTS
from falcokit.capture.file.blocks import BlockWalk
from falcokit.capture.file.byte_streams import AheadStream, Follow, Input, open_stream
from falcokit.capture.file.opening import STDIN, open_file, refuse, source_name, unreadable
from falcokit.capture.format.errors import MalformedEventError, Notice, Notices
from falcokit.capture.format.layout import BLOCK_TYPES, EVENT_BLOCKS, SECTION_HEADER, BlockKind
from falcokit.capture.format.sections import SUPPORTED_MAJOR, decode_machine, decode_section
from falcokit.capture.lists.lists import Lists, count_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import BinaryIO

    from falcokit.capture.file.byte_streams import ByteStream
    from falcokit.capture.format.layout import Layout
    from falcokit.capture.format.sections import Machine, Section

__all__ = ["Capture", "Scanner", "open_capture"]

#: Section headers kept; a file of nothing but headers must not fill the memory.
_MAX_SECTIONS: Final = 64


class Scanner(Protocol):
    """Consumes well-formed events in the buffer, so that they are never iterated over."""

    def __call__(self, capture: Capture, buffer: bytes, at: int, base: int) -> int:
        """Return the position in `buffer` after the events consumed from `at` on.

        `base` is the offset of the buffer's start. `event_count` and `leading` of the capture
        are kept up to date.
        """


class Capture:
    """An open capture: iterate once over its events, then read what else it contains."""

    def __init__(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        lists: bool = False,
        follow: bool = False,
        until: Callable[[], bool] | None = None,
    ) -> None:
        """Open as `open_capture` does; raise CaptureError when it is not a capture."""
        self.path: Final = source_name(path)
        self._file, self.size = open_file(path)
        self._ahead: AheadStream | None = None
        self._notices = Notices()
        #: The lists of processes, descriptors, interfaces and users, when they are wanted.
        self.lists: Final = Lists(self._notices) if lists else None
        self.sections: list[Section] = []
        self.section_count = 0
        self.machine: Machine | None = None
        #: Blocks by code; records of the lists by code of their block.
        self.blocks: Counter[int] = Counter()
        self.records: Counter[int] = Counter()
        self.unknown_blocks = 0
        self.malformed_events = 0
        #: Events so far, including malformed ones and those that a scanner consumed.
        self.event_count = 0
        #: Whether the section so far has only state that a replay consumes.
        self.leading = True
        try:
            named = isinstance(path, str | os.PathLike) and path != STDIN
            waiting = Follow(self.path if named else None, until) if follow else None
            self._stored = Input(self._file, waiting)
            stream = open_stream(self._stored)
            self.compressed: Final = stream.compressed
            self._walk = BlockWalk(stream, self._notices)
            self._events = self._begin(stream)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        """Continue the single pass over the events; every complete one is delivered."""
        return self._events

    def scan(self, scanner: Scanner | None) -> Iterator[Event]:
        """Continue the single pass, with `scanner` consuming the events that it can."""
        self._walk.scanner = None if scanner is None else partial(scanner, self)
        return self._events

    def on_read(self, report: Callable[[int], None] | None) -> None:
        """Call `report` with the number of bytes read from the file whenever more was read."""
        self._stored.on_read = report

    def read_ahead(self) -> None:
        """Read and inflate ahead on a thread, if this is a file that is not growing."""
        if self._ahead is None and self.size and not self._stored.growing:

            def wrap(stream: ByteStream) -> ByteStream:
                self._ahead = AheadStream(stream)
                return self._ahead

            self._walk.read_ahead(wrap)

    def close(self) -> None:
        """Close the file; everything collected stays available."""
        if self._ahead is not None:
            self._ahead.stop()
        self._file.close()

    @property
    def layout(self) -> Layout:
        """The byte order of the current section."""
        return self._walk.layout

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The problems of the part read so far."""
        return self._notices.all()

    @property
    def read_size(self) -> int:
        """Bytes read from the file so far, as stored."""
        return self._stored.count

    @property
    def inflated_size(self) -> int:
        """Bytes of blocks read so far, after decompression."""
        return self._walk.offset

    def _begin(self, stream: ByteStream) -> Iterator[Event]:
        """Read up to the first event, so that the head of the file is known after opening."""
        if not self._walk.begins_with_section():
            raise refuse(self.path, self._walk.start(), stream)
        events = self._read()
        first = next(events, None)
        if not self.section_count:
            why = self.notices[0].message if self.notices else "it has no section header"
            raise unreadable(self.path, why)
        if first is None and self.unknown_blocks and set(self.blocks) == {SECTION_HEADER}:
            raise unreadable(self.path, "it is a pcapng file without a single event block")
        return iter(()) if first is None else chain((first,), events)

    def _read(self) -> Iterator[Event]:
        counts = self.blocks
        for code, offset, body in self._walk:
            counts[code] += 1
            block = EVENT_BLOCKS.get(code)
            if block is None:
                self.leading = self.leading or code == SECTION_HEADER
                if not self._take(code, body, offset):
                    return
                continue
            self.event_count = number = self.event_count + 1
            try:
                event = Event(
                    number=number, offset=offset, body=body, block=block, layout=self._walk.layout
                )
            except MalformedEventError as e:
                self.malformed_events += 1
                text = f"{e.message}; such events are skipped"
                self._notices.add("malformed-event", text, offset=offset)
                continue
            if self.leading:
                event.leading = self.leading = event.code in STATE_EVENTS
            yield event

    def _take(self, code: int, body: bytes, offset: int) -> bool:
        """Process a block other than an event; False ends the reading."""
        block = BLOCK_TYPES.get(code)
        if block is None:
            del self.blocks[code]
            self.unknown_blocks += 1
            text = f"blocks of the unknown code {code:#x} were skipped"
            self._notices.add("unknown-block", text, offset=offset, subject=code)
        elif block.kind is BlockKind.SECTION:
            return self._take_section(body, offset)
        elif block.kind is BlockKind.MACHINE:
            self._take_machine(body, offset)
        else:
            layout = self._walk.layout
            count, whole = count_records(block, body, layout)
            self.records[code] += count
            if not whole:
                text = f"a {block.kind} ({block.name}) breaks off after {count} records"
                self._notices.add("metadata", text, offset=offset, subject=code)
            if self.lists is not None:
                self.lists.add(block, body, layout, offset)
        return True

    def _take_machine(self, body: bytes, offset: int) -> None:
        layout = self._walk.layout
        machine = decode_machine(body, layout)
        if machine is None:
            text = f"the machine info has {len(body)} bytes instead of {layout.machine.size}"
            self._notices.add("metadata", text, offset=offset)
        self.machine = machine or self.machine

    def _take_section(self, body: bytes, offset: int) -> bool:
        section = decode_section(body, offset, self._walk.layout)
        if section is None:
            self._notices.add("damaged", "a section header is too short", offset=offset)
            return False
        if section.major > SUPPORTED_MAJOR:
            text = f"format version {section.major}.{section.minor} is newer than falcokit reads"
            self._notices.add("version", text, offset=offset)
            return False
        self.section_count += 1
        if len(self.sections) < _MAX_SECTIONS:
            self.sections.append(section)
        return True


def open_capture(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    lists: bool = False,
    follow: bool = False,
    until: Callable[[], bool] | None = None,
) -> Capture:
    """Open a capture, plain or gzip, for one pass over its events; "-" is standard input.

    With `lists` the lists at the heads of sections are kept. With `follow` the iteration over a
    regular file waits at its end for more, until `until` returns true or the file is truncated,
    removed or replaced, which becomes a notice; an end inside a block does not.

    Raises:
        CaptureError: it cannot be opened, or nothing of it can be read.

    """
    return Capture(path, lists=lists, follow=follow, until=until)
