# SPDX-License-Identifier: Apache-2.0
"""A summary as words and columns, independent of where they are shown.

`output` writes the report into pipes, `screen` shows it on a terminal. Everything that
comes from the file has passed `safe_text` or `payload_text` when it leaves here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.format.text import payload_text, safe_text
from falcokit.cli.format import (
    count_of,
    duration_text,
    number_text,
    rate_text,
    size_text,
    time_text,
)
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.capture.format.sections import Machine
    from falcokit.capture.summary.histogram import EventHistogram
    from falcokit.capture.summary.summary import FileFacts, PayloadStream, Summary, TimeRange

__all__ = ["Column", "Report", "Table", "build_report", "columns", "rate_bars", "rate_words"]

#: Longer names are cut; the framework itself allows 31 bytes for those of async events.
_NAME_CHARS: Final = 40
_PAYLOAD_CHARS: Final = 256
_TOP_CATEGORIES: Final = 5
_VAGUE_TOPICS: Final = frozenset({"other", "unknown"})
_DEVELOPMENT_ID: Final = 999
_DATE_CHARS: Final = len("2026-01-31 ")
_MINUTE_CHARS: Final = len("2026-01-31 12:00")
_RECORDS: Final = {
    "process list": "thread",
    "fd list": "file descriptor",
    "interface list": "network interface",
    "user list": "user or group",
}


class Column(Record):
    """A column; numbers are aligned to the right. The last one may be cut to fit."""

    title: str
    number: bool = False


def columns(*titles: str) -> tuple[Column, ...]:
    """Return a column for each title; one that begins with ">" has numbers."""
    return tuple(Column(title=t.removeprefix(">"), number=t.startswith(">")) for t in titles)


class Table(Record):
    """Rows under a title; `shares` are the rows' parts of the whole, where a bar helps."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...] = ()


class Report(Record):
    """Facts as label and text, then tables; the last table may be cut to fit a screen."""

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...] = ()
    plot: str | None = None
    """A line that only a terminal shows."""


def build_report(summary: Summary) -> Report:
    """Return a summary as a report."""
    tables = [
        _stream_table("Async events", summary.async_events, summary),
        _stream_table("Plugin events", summary.plugin_events, summary),
        _type_table(summary),
    ]
    return Report(
        title=safe_text(summary.file.path),
        facts=tuple(_facts(summary)),
        tables=tuple(table for table in tables if table.rows),
        plot=rate_bars(summary.histogram) if summary.time and summary.time.duration_ns else None,
    )


def _facts(summary: Summary) -> Iterable[tuple[str, str]]:
    file, events = summary.file, summary.events
    yield "File", ", ".join(_file_facts(file))
    if file.application or file.comment:
        yield "Remark", safe_text(": ".join(filter(None, (file.application, file.comment))))
    if summary.time:
        yield "Time", _span(summary.time)
    if summary.time and summary.time.duration_ns:
        yield "Rate", rate_words(summary.histogram)
    if summary.machine:
        yield "Machine", ", ".join(_machine_facts(summary.machine))
    lists = [
        count_of(block.records, _RECORDS[block.kind])
        for block in summary.blocks
        if block.records is not None
    ]
    if lists:
        yield "State", ", ".join(lists)
    yield "Events", ", ".join(_event_facts(summary))
    if events.leading_state or events.untimed or events.state_only:
        yield "", "; ".join(_state_facts(summary))
    if summary.plugin_ids:
        yield "Replay", _replay(summary.plugin_ids)


def _file_facts(file: FileFacts) -> Iterable[str]:
    if file.size:  # a pipe has none
        yield size_text(file.size)
    yield f"gzip, {size_text(file.inflated_size)} inflated" if file.compressed else "not compressed"
    yield f"format {file.format_version}"
    if file.sections > 1:
        yield count_of(file.sections, "section")
    if file.byte_order == "big":
        yield "big-endian"


def _span(time: TimeRange) -> str:
    first, last = time_text(time.first_ns), time_text(time.last_ns)
    last = last if _spans_days(time) else last[_DATE_CHARS:]
    return f"{first} to {last} UTC, {duration_text(time.duration_ns)}"


def _spans_days(time: TimeRange) -> bool:
    return time_text(time.first_ns)[:_DATE_CHARS] != time_text(time.last_ns)[:_DATE_CHARS]


def _machine_facts(machine: Machine) -> Iterable[str]:
    if not machine.hostname and not machine.cpus:
        yield "not recorded"
        return
    yield safe_text(machine.hostname) or "(no name)"
    yield count_of(machine.cpus, "CPU")
    yield f"{size_text(machine.memory_bytes)} memory"
    if machine.boot_ts_ns:
        yield f"booted {time_text(machine.boot_ts_ns)[:_MINUTE_CHARS]} UTC"


def _event_facts(summary: Summary) -> Iterable[str]:
    events = summary.events
    yield f"{number_text(events.count)} stored"
    topics: dict[str, int] = {}
    for entry in events.types:
        topic = entry.source if entry.topic in _VAGUE_TOPICS else entry.topic
        topics[topic] = topics.get(topic, 0) + entry.count
    ordered = sorted(topics.items(), key=lambda item: (-item[1], item[0]))
    for topic, count in ordered[:_TOP_CATEGORIES]:
        yield f"{topic} {number_text(count)}"
    rest = sum(count for _, count in ordered[_TOP_CATEGORIES:])
    if rest:
        yield f"the rest {number_text(rest)}"


def _state_facts(summary: Summary) -> Iterable[str]:
    events = summary.events
    if events.leading_state:
        yield f"{count_of(events.leading_state, 'leading state event')}, not shown on replay"
    if events.untimed:
        yield f"{number_text(events.untimed)} without a time"
    if events.state_only:
        yield f"{number_text(events.state_only)} for state only, hidden on replay"


def _replay(plugin_ids: tuple[int, ...]) -> str:
    ids = [f"{i} (development)" if i == _DEVELOPMENT_ID else str(i) for i in plugin_ids]
    noun = "the plugin with ID" if len(ids) == 1 else "the plugins with IDs"
    return f"needs {noun} {', '.join(ids)}"


def _stream_table(title: str, streams: tuple[PayloadStream, ...], summary: Summary) -> Table:
    """Show streams; the columns for a name and for untimed state only where one has any."""
    named = any(stream.name is not None for stream in streams)
    untimed = any(stream.untimed for stream in streams)
    dated = summary.time is not None and _spans_days(summary.time)
    titles = (
        *(("name",) if named else ()),
        *(">plugin ID", ">count"),
        *((">no time",) if untimed else ()),
        *(">bytes", ">rate", "first", "last", "last payload"),
    )
    rows = []
    for stream in streams:
        payload = payload_text(
            stream.last_data, _PAYLOAD_CHARS, cut=stream.last_size > len(stream.last_data)
        )
        row = (
            *((_short(safe_text(stream.name or "")),) if named else ()),
            str(stream.plugin_id),
            number_text(stream.count),
            *((number_text(stream.untimed),) if untimed else ()),
            number_text(stream.size),
            rate_text(stream.rate),
            _moment(stream.first_ns, dated=dated),
            _moment(stream.last_ns, dated=dated),
            payload or "(empty)",
        )
        rows.append(row)
    return Table(title=title, columns=columns(*titles), rows=tuple(rows))


def _moment(ts_ns: int | None, *, dated: bool) -> str:
    if ts_ns is None:
        return "-"
    return time_text(ts_ns) if dated else time_text(ts_ns)[_DATE_CHARS:]


def _type_table(summary: Summary) -> Table:
    """Count by name: a name's directions and old versions are details for --json."""
    rows: dict[str, list[int]] = {}
    about: dict[str, str] = {}
    for entry in summary.events.types:
        row = rows.setdefault(entry.name, [0, 0])
        row[entry.direction == "<"] += entry.count
        vague = entry.topic in _VAGUE_TOPICS
        about[entry.name] = entry.source if vague else f"{entry.source} {entry.topic}"
    total = max(summary.events.count, 1)
    ordered = sorted(rows.items(), key=lambda item: (-sum(item[1]), item[0]))
    return Table(
        title="Event types",
        columns=columns("type", "category", ">count", ">enter >", ">exit <", ">share"),
        rows=tuple(
            (
                name,
                about[name],
                number_text(enters + exits),
                number_text(enters),
                number_text(exits),
                f"{(enters + exits) / total:.1%}",
            )
            for name, (enters, exits) in ordered
        ),
        shares=tuple(sum(row) / total for _, row in ordered),
    )


def _short(name: str) -> str:
    return name if len(name) <= _NAME_CHARS else name[: _NAME_CHARS - 3] + "..."


_BARS: Final = "▁▂▃▄▅▆▇█"
_COLUMNS: Final = 48
_NS: Final = 1_000_000_000
#: A burst of two events within a microsecond says nothing about a second.
_LEAST_NS: Final = 10_000_000


def rate_words(histogram: EventHistogram) -> str:
    """Name the highest rate, and the time over which it was counted, which is never tiny."""
    columns, width = _columns(histogram, _LEAST_NS)
    return f"at most {rate_text(max(columns) * _NS / width)}, counted over {duration_text(width)}"


def rate_bars(histogram: EventHistogram) -> str:
    """Draw at most 48 bars; one without an event is empty, the lowest is a single one."""
    columns, _ = _columns(histogram)
    peak = max(columns)
    return "".join(_BARS[(count * len(_BARS) - 1) // peak] if count else " " for count in columns)


def _columns(histogram: EventHistogram, least_ns: int = 0) -> tuple[list[int], int]:
    counts = histogram.counts
    together = max(-(-len(counts) // _COLUMNS), -(-least_ns // histogram.width_ns))
    columns = [sum(counts[at : at + together]) for at in range(0, len(counts), together)]
    return columns, histogram.width_ns * together
