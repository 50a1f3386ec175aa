# SPDX-License-Identifier: Apache-2.0
"""What a capture file holds, in numbers: the data behind every view of `falcokit inspect`.

Filled by `summarize`, turned into JSON by `document` and into screens by the CLI. Times are
nanoseconds since the epoch; dumped state, which has none, is counted as `untimed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.capture.format.record import Record

if TYPE_CHECKING:
    from falcokit.capture.format.errors import Notice
    from falcokit.capture.format.sections import Machine
    from falcokit.capture.summary.histogram import EventHistogram

__all__ = [
    "BlockCount",
    "EventTotals",
    "FileFacts",
    "PayloadStream",
    "Summary",
    "TimeRange",
    "TypeCount",
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
