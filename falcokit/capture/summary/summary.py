# SPDX-License-Identifier: Apache-2.0
"""What a capture file holds, in numbers: the data behind every view of `falcokit inspect`.

Filled by `summarize`, turned into JSON by `summary_object` (see summary.schema.json beside this
file) and into screens by the CLI. Times are nanoseconds since the epoch; dumped state, which has
none, is counted as `untimed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.capture.events.event import Event
    from falcokit.capture.format.errors import Notice
    from falcokit.capture.format.sections import Machine
    from falcokit.capture.summary.histogram import EventHistogram

__all__ = [
    "DOCUMENT_VERSION",
    "BlockCount",
    "EventTotals",
    "FileFacts",
    "PayloadStream",
    "Summary",
    "TimeRange",
    "TypeCount",
    "summary_object",
]


class FileFacts(Record):
    """The container: size as stored and inflated, format version of the first section."""

    path: str
    size: int
    inflated_size: int
    compressed: bool
    format_version: str
    byte_order: str
    sections: int
    comment: str | None
    application: str | None


class BlockCount(Record):
    """Blocks of one name; `records` only for the lists of processes, fds and so on."""

    name: str
    kind: str
    count: int
    records: int | None


class TimeRange(Record):
    """From the earliest to the latest event that has a time."""

    first_ns: int
    last_ns: int

    @property
    def duration_ns(self) -> int:
        """How long the capture lasted."""
        return self.last_ns - self.first_ns


class TypeCount(Record):
    """Events of one code; a name has several codes, for its directions and its history.

    The generic system call codes 0 and 1 appear once for each system call.
    """

    code: int
    name: str
    direction: str
    source: str
    topic: str
    count: int


class EventTotals(Record):
    """All stored events. A replay converts, merges and hides some, so it delivers fewer."""

    count: int
    untimed: int
    state_only: int
    leading_state: int
    malformed: int
    types: tuple[TypeCount, ...]


class PayloadStream(Record):
    """Async events of one name and plugin id, or plugin events of one id (`name` is None).

    `size` sums the payloads in bytes. `rate` is events a second between the first and the
    last that have a time. `last_data` is the start of the last payload, `last_size` its length.
    """

    name: str | None
    plugin_id: int
    count: int
    untimed: int
    size: int
    first_ns: int | None
    last_ns: int | None
    rate: float | None
    last_data: bytes
    last_size: int


class Summary(Record):
    """Everything that `falcokit inspect` shows about a file."""

    file: FileFacts
    blocks: tuple[BlockCount, ...]
    unknown_blocks: int
    machine: Machine | None
    time: TimeRange | None
    histogram: EventHistogram
    events: EventTotals
    async_events: tuple[PayloadStream, ...]
    plugin_events: tuple[PayloadStream, ...]
    plugin_ids: tuple[int, ...]
    notices: tuple[Notice, ...]


#: Raised when a field changes its meaning or goes away; new fields alone do not.
DOCUMENT_VERSION: Final = 1


def summary_object(summary: Summary, events: Iterable[Event] | None = None) -> dict[str, Any]:
    """Return the JSON document; `events` are listed only when asked for."""
    from falcokit.capture.render.event_document import event_object  # noqa: PLC0415 - not for screens

    result: dict[str, Any] = {
        "version": DOCUMENT_VERSION,
        "file": _fields(summary.file),
        "blocks": [_fields(block) for block in summary.blocks],
        "unknown_blocks": summary.unknown_blocks,
        "machine": _fields(summary.machine) if summary.machine else None,
        "time": None,
        "histogram": None,
        "events": {
            "count": summary.events.count,
            "untimed": summary.events.untimed,
            "state_only": summary.events.state_only,
            "leading_state": summary.events.leading_state,
            "malformed": summary.events.malformed,
            "categories": _categories(summary.events.types),
            "types": [_fields(entry) for entry in summary.events.types],
        },
        "async_events": [_stream_object(stream) for stream in summary.async_events],
        "plugin_events": [_stream_object(stream) for stream in summary.plugin_events],
        "plugin_ids": list(summary.plugin_ids),
        "warnings": [_fields(notice) for notice in summary.notices],
    }
    if summary.time:
        result["time"] = _fields(summary.time) | {"duration_ns": summary.time.duration_ns}
    if summary.histogram.counts:
        counts = {"counts": list(summary.histogram.counts)}
        result["histogram"] = _fields(summary.histogram) | counts
    if events is not None:
        result["listed"] = [event_object(event) for event in events]
    return result


def _stream_object(stream: PayloadStream) -> dict[str, Any]:
    from falcokit.capture.render.event_document import payload_object  # noqa: PLC0415 - as above

    result = _fields(stream)
    result.pop("last_data")
    result.pop("last_size")
    result["last"] = payload_object(stream.last_data, stream.last_size)
    if stream.name is None:
        result.pop("name")
    return result


def _categories(types: Iterable[TypeCount]) -> list[dict[str, Any]]:
    counts: dict[tuple[str, str], int] = {}
    for entry in types:
        key = (entry.source, entry.topic)
        counts[key] = counts.get(key, 0) + entry.count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"source": key[0], "topic": key[1], "count": count} for key, count in ordered]


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.field_names}
