# SPDX-License-Identifier: Apache-2.0
"""Readers for what a filter compares: a field, transformers over fields, and constants in these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit.capture.filter.readers import VARIES, Reader
from falcokit.filter.clauses import Constant, Field, Items, Several, Transformer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.capture.events.event import Event
    from falcokit.capture.events.event_table import EventType
    from falcokit.capture.filter.fields import CaptureFields
    from falcokit.filter.clauses import Source

__all__ = ["reader_of"]


def reader_of(source: Source, fields: CaptureFields) -> Reader:
    """Return the reader of one side of a clause."""
    if isinstance(source, Field):
        return fields.reader(source.field)
    if isinstance(source, Transformer):
        return _transformed(source, reader_of(source.operand, fields))
    if isinstance(source, Items):
        return _several(source, [reader_of(item, fields) for item in source.items])
    if isinstance(source, Several):
        return _several(source, [reader_of(operand, fields) for operand in source.operands])
    assert isinstance(source, Constant)  # noqa: S101 - there are no others
    text = source.text
    return Reader(type=source.type, get=lambda _: text, by_code=lambda _: text)


def _transformed(source: Transformer, inner: Reader) -> Reader:
    get, apply = inner.get, source.apply

    def transformed(event: Event) -> Any:
        found = get(event)
        return None if found is None else apply(found)

    def by_code(entry: EventType | None) -> Any:
        found = inner.by_code(entry)
        if isinstance(found, frozenset):
            return VARIES
        return found if found is None or found is VARIES else apply(found)

    return Reader(type=source.type, get=transformed, by_code=by_code)


def _several(source: Items | Several, inner: Sequence[Reader]) -> Reader:
    def get(event: Event) -> Any:
        return source.apply([reader.get(event) for reader in inner])

    def by_code(entry: EventType | None) -> Any:
        lacking = any(reader.by_code(entry) is None for reader in inner)
        return None if lacking else VARIES

    return Reader(type=source.type, get=get, by_code=by_code)
