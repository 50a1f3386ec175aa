# SPDX-License-Identifier: Apache-2.0
"""A capture file as a stream of events.

`open_capture` is what `falcokit inspect`, tests and authors' scripts call. Events are decoded
as the caller iterates; what stands between them (sections, machine, counts) is collected on
the way, so it is complete once the iteration is.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Final, Self

from falcokit.capture.blocks import BlockWalk
from falcokit.capture.errors import MalformedEventError, Notice, Notices
from falcokit.capture.event import Event
from falcokit.capture.event_table import STATE_EVENTS
from falcokit.capture.layout import BLOCK_TYPES, EVENT_BLOCKS, SECTION_HEADER, BlockKind
from falcokit.capture.metadata import count_records
from falcokit.capture.opening import open_file, refuse, unreadable
from falcokit.capture.sections import SUPPORTED_MAJOR, decode_machine, decode_section
from falcokit.capture.sources import open_source

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from types import TracebackType

    from falcokit.capture.sections import Machine, Section
    from falcokit.capture.sources import Source

__all__ = ["Capture", "open_capture"]

#: Section headers kept; a file of nothing but headers must not fill the memory.
_MAX_SECTIONS: Final = 64


class Capture:
    """An open capture: iterate once over its events, then ask what was around them."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open `path`; raise CaptureError when it is no capture at all."""
        self.path: Final = path
        self._file, self.size = open_file(path)
        self._notices = Notices()
        source = open_source(self._file)
        self.compressed: Final = source.compressed
        self._walk = BlockWalk(source, self._notices)
        self.sections: list[Section] = []
        self.section_count = 0
        self.machine: Machine | None = None
        #: Blocks by code; records of the lists by code of their block.
        self.blocks: Counter[int] = Counter()
        self.records: Counter[int] = Counter()
        self.unknown_blocks = 0
        self.malformed_events = 0
        try:
            self._events = self._begin(source)
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
        """Continue the one pass over the events; every complete one is delivered."""
        return self._events

    def close(self) -> None:
        """Close the file; what was collected stays readable."""
        self._file.close()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was wrong with the part read so far."""
        return self._notices.all()

    @property
    def inflated_size(self) -> int:
        """Bytes of blocks read so far, after decompression."""
        return self._walk.offset

    def _begin(self, source: Source) -> Iterator[Event]:
        """Read up to the first event, so that the head of the file is known once it is open."""
        if not self._walk.begins_with_section():
            raise refuse(self.path, self._walk.start(), source)
        events = self._read()
        first = next(events, None)
        if not self.section_count:
            why = self.notices[0].message if self.notices else "it has no section header"
            raise unreadable(self.path, why)
        if first is None and self.unknown_blocks and set(self.blocks) == {SECTION_HEADER}:
            raise unreadable(self.path, "it is a pcapng file without a single event block")
        return iter(()) if first is None else chain((first,), events)

    def _read(self) -> Iterator[Event]:
        number = 0
        leading = True
        counts = self.blocks
        for code, offset, body in self._walk:
            counts[code] += 1
            block = EVENT_BLOCKS.get(code)
            if block is None:
                leading = leading or code == SECTION_HEADER
                if not self._take(code, body, offset):
                    return
                continue
            number += 1
            try:
                event = Event(
                    number=number, offset=offset, body=body, block=block, layout=self._walk.layout
                )
            except MalformedEventError as e:
                self.malformed_events += 1
                text = f"{e.message}; such events are passed over"
                self._notices.add("malformed-event", text, offset=offset)
                continue
            if leading:
                event.leading = leading = event.code in STATE_EVENTS
            yield event

    def _take(self, code: int, body: bytes, offset: int) -> bool:
        """Note what a block other than an event says; False ends the reading."""
        block = BLOCK_TYPES.get(code)
        if block is None:
            del self.blocks[code]
            self.unknown_blocks += 1
            text = f"blocks of the unknown code {code:#x} were passed over"
            self._notices.add("unknown-block", text, offset=offset, subject=code)
        elif block.kind is BlockKind.SECTION:
            return self._take_section(body, offset)
        elif block.kind is BlockKind.MACHINE:
            self._take_machine(body, offset)
        else:
            count, whole = count_records(block, body, self._walk.layout)
            self.records[code] += count
            if not whole:
                text = f"a {block.kind} ({block.name}) breaks off after {count} records"
                self._notices.add("metadata", text, offset=offset, subject=code)
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


def open_capture(path: str | os.PathLike[str]) -> Capture:
    """Open a capture file, plain or gzip, for one pass over its events."""
    return Capture(path)
