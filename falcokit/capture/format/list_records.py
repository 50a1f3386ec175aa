# SPDX-License-Identifier: Apache-2.0
"""Records of the metadata lists: tables of fields, walked, read and written in either order.

A record is a sequence of numbers, and of texts with a 16-bit length. `spans` finds the valid
records in an untrusted body, `unpack` reads them, `pack` writes one. The modules of `lists` own the
tables.
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from falcokit.capture.format.layout import Layout

__all__ = [
    "TEXT",
    "TEXTS",
    "Choice",
    "Fields",
    "Plan",
    "Spans",
    "Step",
    "decode",
    "make_plan",
    "pack",
    "readable",
    "spans",
    "unpack",
]

#: Kinds of fields besides the letters of `struct`: one text, and texts with a NUL after each.
TEXT: Final = "text"
TEXTS: Final = "texts"
_MIN_LEFT: Final = 4  # fewer bytes than this are padding, in every list
_LENGTH_BYTES: Final = 4

#: Names and kinds of the fields of a record, in order.
Fields: TypeAlias = tuple[tuple[str, str], ...]


class Step(NamedTuple):
    """Adjacent numbers, or, without a structure, one text field."""

    names: tuple[str, ...]
    packed: struct.Struct | None
    many: bool = False


Plan: TypeAlias = tuple[Step, ...]
#: Returns the plan of the record at an offset of a body; None when its kind is unknown.
Choice: TypeAlias = "Callable[[bytes, int], Plan | None]"
#: Plan, start and end of each valid record; returns whether they were the whole body.
Spans: TypeAlias = "Generator[tuple[Plan, int, int], None, bool]"

_Record = TypeVar("_Record")


@functools.cache
def make_plan(fields: Fields, layout: Layout) -> Plan:
    """Group the fields of a record into as few steps as possible."""
    order = ">" if layout.order == "big" else "<"
    steps: list[Step] = []
    names: list[str] = []
    form = order
    for name, kind in (*fields, ("", TEXT)):
        if kind not in {TEXT, TEXTS}:
            names.append(name)
            form += kind
            continue
        if names:
            steps.append(Step(tuple(names), struct.Struct(form)))
            names, form = [], order
        steps.append(Step((name,), None, many=kind == TEXTS))
    return tuple(steps[:-1])


def spans(
    body: bytes, first: int, layout: Layout, *, own_length: int | None, choose: Choice
) -> Spans:
    """Yield plan, start and end of every valid record from `first` on.

    `own_length` is None for records without a length field, else the number to add to that field
    for the length of the whole record. Returns whether the records were the whole body: a record
    that does not fit its own length is skipped; without a length field it ends the walk.
    """
    at, whole, u32 = first, first <= len(body), layout.u32
    while len(body) - at >= _MIN_LEFT:
        end = len(body)
        if own_length is not None:
            size = u32.unpack_from(body, at)[0] + own_length
            end = at + size
            if size <= _LENGTH_BYTES or end > len(body):
                return False
            at += _LENGTH_BYTES
        plan = choose(body, at)
        stop = -1 if plan is None else _measure(plan, body, at, end, layout)
        if plan is not None and stop >= 0:
            end = stop if own_length is None else end
            yield plan, at, end
        elif own_length is None:
            return False
        else:
            whole = False
        at = end
    return whole


def decode(
    walk: Spans, build: Callable[[Plan, int, int], _Record]
) -> Generator[_Record, None, bool]:
    """Yield the result of `build` for every span; return the result of the walk."""
    while True:
        try:
            span = next(walk)
        except StopIteration as e:
            return bool(e.value)
        yield build(*span)


def _measure(plan: Plan, body: bytes, at: int, end: int, layout: Layout) -> int:
    """Return where the last field of a record ends, -1 when that is after `end`."""
    u16 = layout.u16
    for step in plan:
        if step.packed is not None:
            at += step.packed.size
        elif at + u16.size > end:
            return -1
        else:
            at += u16.size + u16.unpack_from(body, at)[0]
    return at if at <= end else -1


def unpack(plan: Plan, body: bytes, at: int, layout: Layout) -> tuple[dict[str, Any], int]:
    """Return the fields of a valid record, and where they end."""
    values: dict[str, Any] = {}
    u16 = layout.u16
    for names, packed, many in plan:
        if packed is not None:
            values.update(zip(names, packed.unpack_from(body, at), strict=True))
            at += packed.size
            continue
        start = at + u16.size
        at = start + u16.unpack_from(body, at)[0]
        # Surrogates stand for bytes that are no UTF-8, so that they can be written again.
        text = body[start:at].decode("utf-8", "surrogateescape")
        if many:
            values[names[0]] = tuple(text.removesuffix("\0").split("\0")) if text else ()
        else:
            values[names[0]] = text
    return values, at


def pack(
    plan: Plan,
    values: Mapping[str, Any],
    layout: Layout,
    *,
    text_bytes: int,
    texts_bytes: int = 0,
) -> bytes:
    """Write the fields of a record; raise ValueError when a value does not fit its field.

    `text_bytes` and `texts_bytes` are the maximum sizes of one text and of texts together in the
    framework's reader, which refuses the whole file if one is longer.
    """
    pieces: list[bytes] = []
    for names, packed, many in plan:
        if packed is not None:
            try:
                pieces.append(packed.pack(*[values[name] for name in names]))
            except struct.error as e:
                raise ValueError(f"one of {', '.join(names)} does not fit its field ({e})") from e
            continue
        (name,) = names
        text = "".join(f"{part}\0" for part in values[name]) if many else values[name]
        data = text.encode("utf-8", "surrogateescape")
        limit = texts_bytes if many else text_bytes
        if many and len(data) == limit + 1:
            data = data[:-1]  # the last NUL may be missing if a writer truncated the texts
        if len(data) > limit:
            raise ValueError(f"{name} has {len(data)} bytes; the maximum is {limit}")
        pieces.append(layout.u16.pack(len(data)) + data)
    return b"".join(pieces)


def readable(text: str) -> str:
    """Return a text of a record with bytes that are not UTF-8 as escapes, for people and JSON."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
