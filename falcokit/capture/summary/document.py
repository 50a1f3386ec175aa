# SPDX-License-Identifier: Apache-2.0
"""A summary as one JSON document, described by summary.schema.json beside this file.

Every character outside printable ASCII is escaped, so that the document is safe on a terminal and
the same in every locale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.render.event_document import event_object, payload_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from falcokit.capture.events.event import Event
    from falcokit.capture.summary.summary import PayloadStream, Summary, TypeCount

__all__ = ["DOCUMENT_VERSION", "summary_object"]

#: Raised when a field changes its meaning or goes away; new fields alone do not.
DOCUMENT_VERSION: Final = 1


def summary_object(summary: Summary, events: Iterable[Event] | None = None) -> dict[str, Any]:
    """Build the document; `events` are listed only when asked for."""
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
