# SPDX-License-Identifier: Apache-2.0
"""One event as a JSON object, for --json -n, --jsonl and exports.

Described as `event` in summary/summary.schema.json. Untrusted text is not escaped here: the writer
of the object escapes everything outside printable ASCII.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.values import values
from falcokit.capture.format.errors import MalformedEventError
from falcokit.capture.format.text import plain_text
from falcokit.capture.render.args import arg_texts
from falcokit.runtime.event.event_values import PolledFd
from falcokit.runtime.event.socket_values import Address, OtherFamily, SocketPair, UnixPair

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType
    from falcokit.runtime.event.event_values import Value

__all__ = ["event_object", "payload_object"]

#: The longest payload, buffer or string put into a document; sizes tell the whole length.
_PAYLOAD_BYTES: Final = 64 * 1024
_UNKNOWN: Final = "unknown"
_RECORDS: Final = (Address, SocketPair, UnixPair, OtherFamily, PolledFd)


def event_object(event: Event) -> dict[str, Any]:
    """Describe one event.

    Always there:
        number: position in the file, from 1.
        ts_ns: nanoseconds since the epoch, null for dumped state.
        cpu, tid: where it happened; tid is null where there is no thread.
        code: of the event table. type: as evt.type has it. direction: ">", "<" or null.
        category: its topic: file, net, process; or its origin if it has no topic: meta; "unknown"
            for a code of a newer table.
        size: bytes of header and parameters.
        state_only: kept for its effect on the state, hidden on replay.
        leading_state: in the run at the section's head, which a replay does not show.

    Plugin and async events:
        plugin_id; name: of an async event, null for a plugin event; data_size in bytes, and the
        payload as data when it is text, as data_base64 otherwise.

    All other events:
        args: values by name, null for empty ones. Numbers, flags and times (ns) are numbers,
        strings strings. A buffer is a string when it is text, else {size, base64}; longer than 64
        KiB it is truncated: {size, text} or {size, base64}. Addresses are {ip, port}, ends of a
        connection {source, destination}, polled fds {fd, flags}.
        resolved: names for the numbers in args that need no state: errors, flags, signals. Omitted
        if there are none.

    malformed: the message, if the lengths of the parameters contradict the event; it replaces args.
    comments: comments that users added, in the order of the file; omitted if there are none.
    """
    event_type = event.event_type
    result: dict[str, Any] = {
        "number": event.number,
        "ts_ns": event.ts_ns,
        "cpu": event.cpu,
        "tid": event.tid,
        "code": event.code,
        "type": event.type,
        "direction": event_type.dir if event_type else None,
        "category": _category(event_type),
        "size": event.size,
        "state_only": event.state_only,
        "leading_state": event.leading,
    }
    try:
        if event.plugin_id is not None:
            result |= {"plugin_id": event.plugin_id, "name": event.async_name}
            result |= payload_object(*event.data_start(_PAYLOAD_BYTES))
        else:
            result["args"] = {arg.name: _json_value(arg.value) for arg in values(event)}
            resolved = {text.name: text.resolved for text in arg_texts(event) if text.resolved}
            if resolved:
                result["resolved"] = resolved
    except MalformedEventError as e:
        result["malformed"] = e.message
    if comments := event.comments:
        result["comments"] = list(comments)
    return result


def _category(event_type: EventType | None) -> str:
    if event_type is None:
        return _UNKNOWN
    return event_type.source if event_type.topic == _UNKNOWN else event_type.topic


def payload_object(data: bytes, size: int) -> dict[str, Any]:
    """Return text if `data`, the start of `size` bytes, is text; base64 otherwise."""
    text = plain_text(data, cut=len(data) < size)
    body = {"data_base64": base64.b64encode(data).decode()} if text is None else {"data": text}
    return {"data_size": size, **body}


def _json_value(value: Value | PolledFd) -> Any:
    if isinstance(value, bytes):
        return _buffer(value)
    if isinstance(value, str) and len(value) > _PAYLOAD_BYTES:
        return {"size": len(value.encode()), "text": value[:_PAYLOAD_BYTES]}
    if isinstance(value, _RECORDS):
        return {name: _json_value(part) for name, part in value._asdict().items()}
    if isinstance(value, tuple):
        return [_json_value(part) for part in value]
    return value


def _buffer(data: bytes) -> Any:
    size, start = len(data), data[:_PAYLOAD_BYTES]
    text = plain_text(start, cut=len(start) < size)
    if text is None:
        return {"size": size, "base64": base64.b64encode(start).decode()}
    return text if len(start) == size else {"size": size, "text": text}
