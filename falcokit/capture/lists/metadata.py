# SPDX-License-Identifier: Apache-2.0
"""Counts the records in the lists at the head of a section, without keeping them.

Processes, file descriptors, interfaces and users are stored as lists of records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.capture.format.layout import BlockKind
from falcokit.capture.lists.descriptors import descriptor_spans
from falcokit.capture.lists.interfaces import interface_spans
from falcokit.capture.lists.processes import process_spans
from falcokit.capture.lists.users import user_spans

if TYPE_CHECKING:
    from falcokit.capture.format.layout import BlockType, Layout

__all__ = ["count_records"]

_WALKS: Final = {
    BlockKind.PROCESSES: process_spans,
    BlockKind.FDS: descriptor_spans,
    BlockKind.INTERFACES: interface_spans,
    BlockKind.USERS: user_spans,
}


def count_records(block: BlockType, body: bytes, layout: Layout) -> tuple[int, bool]:
    """Return the number of complete records in a list, and whether that was the whole list."""
    walk = _WALKS[block.kind](body, block, layout)
    count = 0
    while True:
        try:
            next(walk)
        except StopIteration as e:
            return count, bool(e.value)
        count += 1
