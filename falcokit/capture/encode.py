# SPDX-License-Identifier: Apache-2.0
"""Encodes blocks: framing, section header, machine info and events.

Pure functions. Values that the framework's reader would refuse raise ValueError. The encoders of
list records are next to their decoders, in `lists`; those of parameters are the runtime's.
"""

from __future__ import annotations

import functools
import struct
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.events.event_table import event_table
from falcokit.capture.file.blocks import MAX_BLOCK_BYTES, MAX_EVENT_BYTES
from falcokit.capture.format.layout import EVENT_BLOCKS, NOT_SET, SECTION_HEADER, SECTION_MAGIC
from falcokit.capture.format.sections import SUPPORTED_MAJOR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.capture.format.layout import Layout
    from falcokit.capture.format.sections import Machine
    from falcokit.runtime.event.event import Event

__all__ = [
    "as_stored",
    "encode_block",
    "encode_event",
    "encode_frame",
    "encode_machine",
    "encode_section",
    "typed_params",
]

_MINOR: Final = 2
_MACHINE: Final = 0x201
_EVENT: Final = 0x216
_EVENT_LARGE: Final = 0x221
_FLAGGED: Final = 1  # added to the code of a block with dump flags
_HEADER_BYTES: Final = 26
_FRAME_BYTES: Final = 12
_BLOCK_HEAD_BYTES: Final = 8
_NARROW, _WIDE = 2, 4
#: What the framework's reader takes behind the head of a block of ordinary events.
_MAX_SMALL_BYTES: Final = 65536
_MAX_SHORT: Final = 0xFFFF
_OPTION_COMMENT: Final = 1
_OPTION_APPLICATION: Final = 4


def encode_block(code: int, body: bytes, layout: Layout) -> bytes:
    """Return a whole block: the body padded, between its two lengths."""
    before, behind = encode_frame(code, len(body), layout)
    return before + body + behind


def encode_frame(code: int, size: int, layout: Layout) -> tuple[bytes, bytes]:
    """Return the bytes before and after a body of `size` bytes."""
    padding = -size % 4
    total = size + padding + _FRAME_BYTES
    most = MAX_EVENT_BYTES if code in EVENT_BLOCKS else MAX_BLOCK_BYTES
    if total > most:
        raise ValueError(f"a block of {total} bytes is too large; the maximum is {most}")
    return layout.block.pack(code, total), bytes(padding) + layout.u32.pack(total)


def encode_section(layout: Layout, *, comment: str | None, application: str | None) -> bytes:
    """Return a section header of today's version."""
    body = layout.section.pack(SECTION_MAGIC, SUPPORTED_MAJOR, _MINOR, NOT_SET)
    options = {_OPTION_COMMENT: comment, _OPTION_APPLICATION: application}
    return encode_block(SECTION_HEADER, body + _options(options, layout), layout)


def encode_machine(machine: Machine, layout: Layout) -> bytes:
    """Return a machine info block; a host name beyond 128 bytes is cut."""
    try:
        body = layout.machine.pack(
            machine.cpus,
            machine.memory_bytes,
            machine.max_pid,
            machine.hostname.encode("utf-8", "surrogateescape"),
            machine.boot_ts_ns,
            0,
            0,
            0,
        )
    except struct.error as e:
        raise ValueError(f"a number of the machine does not fit its field ({e})") from e
    return encode_block(_MACHINE, body, layout)


def encode_event(
    code: int,
    params: Sequence[bytes],
    *,
    ts_ns: int | None,
    tid: int | None,
    cpu: int,
    flags: int,
    comment: str | None,
    layout: Layout,
) -> bytes:
    """Return an event block of the kind and with the width of lengths that the code requires."""
    lengths = [len(param) for param in params]
    count = len(lengths)
    known, large = _known(code)
    # Fewer parameters are valid, as of old writers, except for plugins; more would crash readers.
    if count > known or (count < known if large else max(lengths, default=0) > _MAX_SHORT):
        raise _refusal(code, lengths)
    data = layout.array(_WIDE if large else _NARROW, count).pack(*lengths) + b"".join(params)
    size = _HEADER_BYTES + len(data)
    ts = NOT_SET if ts_ns is None else ts_ns
    thread = NOT_SET if tid is None or tid == -1 else tid
    block = _EVENT_LARGE if large else _EVENT
    try:
        if flags:
            block += _FLAGGED
            head = layout.event_flagged.pack(cpu, flags, ts, thread, size, code, count)
        else:
            head = layout.event.pack(cpu, ts, thread, size, code, count)
    except struct.error as e:
        raise ValueError(f"time, thread, cpu or flags do not fit their field ({e})") from e
    body = head + data
    if comment is not None:
        body += bytes(-len(body) % 4) + _options({_OPTION_COMMENT: comment}, layout)
    result = encode_block(block, body, layout)
    if not large and len(result) - _BLOCK_HEAD_BYTES > _MAX_SMALL_BYTES:
        text = f"an event of code {code} with {size} bytes is too large for readers"
        raise ValueError(f"{text}; a block of such events takes 64 KiB")
    return result


def typed_params(
    wanted: int | str,
    values: Sequence[bytes] | Mapping[str, object],
    layout: Layout,
    *,
    tid: int | None,
) -> tuple[int, Sequence[bytes]]:
    """Return the code of an event and its parameters, of names and values."""
    from falcokit.runtime.event.typed_event import named_params  # noqa: PLC0415 - the event table

    thread = None if tid == -1 else tid
    if isinstance(values, Mapping):
        return named_params(wanted, values, layout.order, tid=thread)
    return named_params(wanted, {}, layout.order, tid=None)[0], values


def as_stored(
    event: Event | Mapping[str, Any], layout: Layout
) -> tuple[int, Sequence[bytes], dict[str, Any]]:
    """Return code, parameters and header of an event of a plugin, or of its object for JSON."""
    from falcokit.runtime.event.event_params import split_params  # noqa: PLC0415
    from falcokit.runtime.event.typed_event import event_from_json, params_from_json  # noqa: PLC0415

    if isinstance(event, Mapping) and "raw_base64" in event:
        event = event_from_json(event)
    if not isinstance(event, Mapping):
        if layout.order != sys.byteorder:
            raise ValueError(f"the event has not the byte order of the file, {layout.order}-endian")
        params = split_params(event.type, event.raw)
        return event.type, params, {"ts_ns": event.ts_ns, "tid": event.tid}
    head: dict[str, Any] = {"ts_ns": event.get("ts_ns"), "tid": event.get("tid")}
    code, params = params_from_json(event, layout.order)
    head["cpu"] = event.get("cpu", 0)
    head["flags"] = event.get("dump_flags", int(event.get("state_only", False)))
    comments = event.get("comments") or [None]
    head["comment"] = comments[0]
    return code, params, head


@functools.cache
def _known(code: int) -> tuple[int, bool]:
    """Return the number of parameters of this event code, and whether their lengths are wide."""
    event_type = event_table().get(code)
    if event_type is None:
        raise ValueError(f"the event code {code} is unknown")
    return len(event_type.params), event_type.large_payload


def _refusal(code: int, lengths: Sequence[int]) -> ValueError:
    """Return the reason why no event of this code can have parameters of these lengths."""
    event_type = event_table().events[code]
    for param, length in zip(event_type.params, lengths, strict=False):
        if length > _MAX_SHORT and not event_type.large_payload:
            text = f"{param.name} of {event_type.name} has {length} bytes"
            return ValueError(f"{text}; the maximum is {_MAX_SHORT}")
    known = len(event_type.params)
    return ValueError(f"{event_type.name} ({code}) has {known} parameters, not {len(lengths)}")


def _options(options: dict[int, str | None], layout: Layout) -> bytes:
    """Return pcapng options: code, length, value padded to four bytes, ended by code 0."""
    pieces: list[bytes] = []
    for code, text in options.items():
        if text is None:
            continue
        value = text.encode("utf-8", "surrogateescape")
        if len(value) > _MAX_SHORT:
            raise ValueError(f"a comment has {len(value)} bytes; the maximum is {_MAX_SHORT}")
        pieces.append(layout.option.pack(code, len(value)) + value + bytes(-len(value) % 4))
    return b"".join((*pieces, layout.option.pack(0, 0))) if pieces else b""
