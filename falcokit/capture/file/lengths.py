# SPDX-License-Identifier: Apache-2.0
"""Splits the bytes after an event header into parameters.

An array of lengths, 16 or 32 bits wide, is followed by the parameters without gaps. The width
depends on the event code; because of early writers and newer tables both widths are tried.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from falcokit.capture.file.stored_body import StoredBody

if TYPE_CHECKING:
    from falcokit.capture.events.event_table import EventType
    from falcokit.capture.format.layout import Layout

__all__ = ["split_params"]

_NARROW: Final = 2
_WIDE: Final = 4
_MOST_LENGTHS: Final = 64 * 1024


def split_params(
    data: bytes | memoryview,
    *,
    stored: int | None,
    event_type: EventType | None,
    large_block: bool,
    layout: Layout,
) -> tuple[bytes, ...] | None:
    """Return the parameters, or None when no interpretation of the lengths fits.

    `stored` is the count from the header; the first header version has none, and then the
    count is the one whose lengths fill the event exactly.
    """
    if stored is None:
        return _infer(data, event_type, layout)
    large = large_block if event_type is None else event_type.large_payload
    widths = (_WIDE, _NARROW) if large else (_NARROW, _WIDE) if large_block else (_NARROW,)
    # An exact fit first: a wrong width sometimes fits loosely.
    for exact in (True, False):
        for width in widths:
            params = _cut(data, stored, width, layout, exact=exact)
            if params is not None:
                return params
    return None


def _infer(
    data: bytes | memoryview, event_type: EventType | None, layout: Layout
) -> tuple[bytes, ...] | None:
    if event_type is None:
        return None
    # From the table's count down: older writers stored fewer parameters, never more.
    for count in range(len(event_type.params), -1, -1):
        params = _cut(data, count, _NARROW, layout, exact=True)
        if params is not None:
            return params
    return None


def _cut(
    data: bytes | memoryview, count: int, width: int, layout: Layout, *, exact: bool
) -> tuple[bytes, ...] | None:
    first = count * width
    if first > len(data):
        return None
    kept = data if isinstance(data, StoredBody) else None
    if kept is not None and first > _MOST_LENGTHS:  # only the start is in memory
        return None
    lengths = layout.array(width, count).unpack_from(data)
    ends = tuple(accumulate(lengths, initial=first))
    if ends[-1] > len(data) or (exact and ends[-1] != len(data)):
        return None
    if kept is not None:
        return tuple([kept.part(start, end) for start, end in pairwise(ends)])
    if isinstance(data, memoryview):  # of a large event, which is not copied as a whole
        return tuple([bytes(data[start:end]) for start, end in pairwise(ends)])
    return tuple([data[start:end] for start, end in pairwise(ends)])
