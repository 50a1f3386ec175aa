# SPDX-License-Identifier: Apache-2.0
"""One pass over a capture, counting: `summarize(path)` for a file, `Tally` for an open one.

Only plugin and async events have their parameters cut; of all others the header is enough.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from falcokit.capture.errors import MalformedEventError, Notice
from falcokit.capture.event_table import (
    ASYNC_EVENT,
    GENERIC_SYSCALLS,
    PLUGIN_EVENT,
    event_table,
)
from falcokit.capture.layout import BLOCK_TYPES, BlockKind
from falcokit.capture.reader import open_capture
from falcokit.capture.summary import (
    BlockCount,
    EventTotals,
    FileFacts,
    PayloadStream,
    Summary,
    TimeRange,
    TypeCount,
)

if TYPE_CHECKING:
    import os

    from falcokit.capture.event import Event
    from falcokit.capture.reader import Capture

__all__ = ["MAX_STREAMS", "Tally", "summarize"]

#: Names and ids told apart; a hostile file can give every event a name of its own.
MAX_STREAMS: Final = 1024
_LAST_DATA_BYTES: Final = 256
_SYSCALLS: Final = 0  # the plugin id of events that belong to no source plugin
_NS: Final = 1_000_000_000


@dataclass(slots=True)
class _Stream:
    count: int = 0
    untimed: int = 0
    size: int = 0
    first: int | None = None
    last: int | None = None
    data: bytes = b""
    data_size: int = 0

    def add(self, event: Event) -> None:
        data, ts = event.data, event.ts_ns
        self.count += 1
        self.size += len(data)
        self.data, self.data_size = data[:_LAST_DATA_BYTES], len(data)
        if ts is None:
            self.untimed += 1
            return
        self.first = ts if self.first is None or ts < self.first else self.first
        self.last = ts if self.last is None or ts > self.last else self.last

    def freeze(self, name: str | None, plugin_id: int) -> PayloadStream:
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


class Tally:
    """Counts events; give it each one, then ask for the summary."""

    def __init__(self) -> None:
        self._codes: Counter[int] = Counter()
        self._syscalls: Counter[tuple[int, str]] = Counter()
        self._streams: dict[tuple[str | None, int], _Stream] = {}
        self._first: int | None = None
        self._last: int | None = None
        self._untimed = 0
        self._state_only = 0
        self._leading = 0
        self._malformed = 0
        self._unnamed = 0

    def add(self, event: Event) -> None:
        """Count one event."""
        code, ts = event.code, event.ts_ns
        self._codes[code] += 1
        self._leading += event.leading
        self._state_only += event.state_only
        if ts is None:
            self._untimed += 1
        elif self._first is None or self._last is None:
            self._first = self._last = ts
        elif ts > self._last:
            self._last = ts
        elif ts < self._first:
            self._first = ts
        if code in {PLUGIN_EVENT, ASYNC_EVENT}:
            self._add_payload(event)
        elif code in GENERIC_SYSCALLS:
            self._syscalls[code, event.type] += 1

    def _add_payload(self, event: Event) -> None:
        try:
            plugin_id = event.plugin_id
            name = event.async_name
        except MalformedEventError:
            self._malformed += 1
            return
        key = (name, plugin_id or 0)
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= MAX_STREAMS:
                self._unnamed += 1
                return
            stream = self._streams[key] = _Stream()
        stream.add(event)

    def summary(self, capture: Capture) -> Summary:
        """Put the counts and what the capture collected on the way together."""
        streams = [stream.freeze(*key) for key, stream in self._streams.items()]
        streams.sort(key=lambda stream: (-stream.count, stream.name or "", stream.plugin_id))
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
        found = (
            ("malformed-event", "plugin or async events lack a parameter", self._malformed),
            ("streams", f"events have more than {MAX_STREAMS} names and ids", self._unnamed),
            ("no-events", "no event is stored: a replay refuses such a file", self._empty()),
        )
        return tuple(
            Notice(kind=kind, message=message, offset=0, count=count)
            for kind, message, count in found
            if count
        )

    def _empty(self) -> int:
        return int(not self._codes)


def summarize(path: str | os.PathLike[str]) -> Summary:
    """Read the whole file; raise CaptureError when nothing of it can be read."""
    tally = Tally()
    with open_capture(path) as capture:
        for event in capture:
            tally.add(event)
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
    if event_type is None:
        return TypeCount(
            code=code,
            name=f"unknown-{code}",
            direction=">" if code % 2 == 0 else "<",
            source="unknown",
            topic="unknown",
            count=count,
        )
    return TypeCount(
        code=code,
        name=name or event_type.name,
        direction=event_type.dir,
        source=event_type.source,
        topic=event_type.topic,
        count=count,
    )
