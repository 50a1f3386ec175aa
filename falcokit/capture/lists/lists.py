# SPDX-License-Identifier: Apache-2.0
"""The state a capture begins with: its lists of processes, descriptors, interfaces and users.

`Lists.add` keeps every list block as stored; records are decoded on access.
`CaptureWriter.copy_lists` writes the blocks into another file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from falcokit.capture.format.layout import BlockKind
from falcokit.capture.lists.descriptors import decode_descriptors, descriptor_spans
from falcokit.capture.lists.interfaces import decode_interfaces, interface_spans
from falcokit.capture.lists.processes import decode_processes, process_spans
from falcokit.capture.lists.users import decode_users, user_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.capture.format.errors import Notices
    from falcokit.capture.format.layout import BlockType, Layout
    from falcokit.capture.lists.descriptors import FileDescriptor
    from falcokit.capture.lists.interfaces import Interface
    from falcokit.capture.lists.processes import Process
    from falcokit.capture.lists.users import Group, User

    _Record = TypeVar("_Record")

__all__ = ["MAX_LIST_BYTES", "Lists", "count_records"]

#: Maximum memory for the lists of a file. A machine with 10 000 threads fills a third.
MAX_LIST_BYTES: Final = 32 * 1024 * 1024
#: Memory of a block in addition to its bytes; a file can have millions of empty lists.
_BLOCK_COST: Final = 256


class Lists:
    """The list blocks of all sections read so far, up to a limit; iterate as often as you like."""

    def __init__(self, notices: Notices) -> None:
        """Begin empty; blocks that do not fit are reported to `notices`."""
        self._notices = notices
        self._blocks: list[tuple[BlockType, bytes, Layout]] = []
        self._left = MAX_LIST_BYTES

    def __len__(self) -> int:
        """Return the number of blocks that are kept."""
        return len(self._blocks)

    def add(self, block: BlockType, body: bytes, layout: Layout, offset: int) -> None:
        """Keep the body of a list block at `offset`, unless there are too many."""
        cost = len(body) + _BLOCK_COST
        if cost > self._left:
            text = f"lists beyond {MAX_LIST_BYTES >> 20} MiB were counted but not kept"
            self._notices.add("lists", text, offset=offset)
            return
        self._left -= cost
        self._blocks.append((block, body, layout))

    def blocks(self, skip: int = 0) -> Iterator[tuple[BlockType, bytes, Layout]]:
        """Yield the blocks as stored, in the order of the file, without the first `skip`."""
        return iter(self._blocks[skip:] if skip else self._blocks)

    def processes(self) -> Iterator[Process]:
        """Yield every thread that existed when the capture began."""
        return self._records(BlockKind.PROCESSES, decode_processes)

    def descriptors(self) -> Iterator[FileDescriptor]:
        """Yield every open file descriptor, those of a thread together."""
        return self._records(BlockKind.FDS, decode_descriptors)

    def interfaces(self) -> Iterator[Interface]:
        """Yield every address of every network interface."""
        return self._records(BlockKind.INTERFACES, decode_interfaces)

    def users(self) -> Iterator[User | Group]:
        """Yield every user and every group."""
        return self._records(BlockKind.USERS, decode_users)

    def _records(
        self, kind: BlockKind, decode: Callable[[bytes, BlockType, Layout], Iterator[_Record]]
    ) -> Iterator[_Record]:
        for block, body, layout in self._blocks:
            if block.kind is kind:
                yield from decode(body, block, layout)


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
