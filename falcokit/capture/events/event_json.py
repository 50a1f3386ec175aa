# SPDX-License-Identifier: Apache-2.0
"""Stored events as JSON without loss, and as the events that plugins get.

The forms of values are the runtime's: falcokit.runtime.event.typed_event. `inspect --jsonl` writes
another object, for people and other programs: render.event_document.
"""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, Any

from falcokit.capture.events.event_table import ASYNC_EVENT, PLUGIN_EVENT
from falcokit.capture.format.errors import MalformedEventError
from falcokit.runtime.event.event import Event as PluginEvent
from falcokit.runtime.event.event_params import raw_event
from falcokit.runtime.event.typed_event import params_from_json, params_to_json

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event

__all__ = ["event_to_json", "plugin_event"]


def event_to_json(event: Event) -> dict[str, Any]:
    """Return a stored event as an object for JSON; `CaptureWriter.add` writes the same event.

    The keys are those of `falcokit.event_to_json`, with cpu, and with dump_flags and comments where
    the event has them. An event of the first version of the format becomes one of today's.

    Raises:
        MalformedEventError: the lengths of the parameters contradict the event.

    """
    event_type = event.event_type
    document: dict[str, Any] = {
        "type": event.type,
        "direction": event_type.dir if event_type else None,
        "code": event.code,
        "ts_ns": event.ts_ns,
        "tid": event.tid,
        "cpu": event.cpu,
    }
    if event.dump_flags:
        document["dump_flags"] = event.dump_flags
    if comments := event.comments:
        document["comments"] = list(comments)
    order, params = event.byte_order, [bytes(param) for param in event.params]
    if event.code in {PLUGIN_EVENT, ASYNC_EVENT}:
        document |= {"plugin_id": event.plugin_id, "name": event.async_name}
        data = params[-1]
        try:
            document["data"] = data.decode()
        except UnicodeDecodeError:
            document["data_base64"] = base64.b64encode(data).decode()
        if params_from_json(document, order)[1] == params:
            return document
    document["args"] = params_to_json(event.code, params, order)
    return document


def plugin_event(event: Event, source: str | None) -> PluginEvent:
    """Return a stored event as a plugin gets it from a host that replays the capture.

    Args:
        event: An event of a capture of this machine's byte order.
        source: The name of its event source.

    Raises:
        MalformedEventError: the lengths of the parameters contradict the event, or its bytes have
            the other order.

    """
    if event.byte_order != sys.byteorder:
        raise MalformedEventError(f"event {event.number} has the other byte order")
    params = [bytes(param) for param in event.params]
    try:
        raw = raw_event(event.code, params, ts_ns=event.ts_ns, tid=event.tid)
        return PluginEvent.from_bytes(raw, source=source, number=event.number)
    except ValueError as e:
        raise MalformedEventError(str(e)) from e
