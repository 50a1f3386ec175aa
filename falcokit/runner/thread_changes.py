# SPDX-License-Identifier: Apache-2.0
"""Changes of the runner's table `threads`; native/src/runner/host/threads.h has their form."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from falcokit.capture.state.changes import Value

__all__ = ["ThreadChanges"]

_THREAD: Final = struct.Struct("=BBq")
_FD: Final = struct.Struct("=BBqq")
_NUMBER: Final = struct.Struct("=Q")
_SIZE: Final = struct.Struct("=I")
_MASK: Final = 2**64 - 1
_PART_BYTES: Final = 1 << 20
(
    _THREAD_NEW, _THREAD_GONE, _THREAD_NUMBER, _THREAD_TEXT, _THREAD_LIST,
    _FD_NEW, _FD_GONE, _FD_NUMBER, _FD_TEXT, _FD_COPY,
) = range(1, 11)  # fmt: skip


class ThreadChanges:
    """Collects changes; fields that the runner's table does not have are passed over."""

    def __init__(self, thread_fields: Sequence[str], descriptor_fields: Sequence[str]) -> None:
        self._thread = {name: number for number, name in enumerate(thread_fields)}
        self._descriptor = {name: number for number, name in enumerate(descriptor_fields)}
        self._data = bytearray()
        self._parts: list[bytes] = []

    def take(self) -> list[bytes]:
        """Return the changes since the last call, in parts of which each is a frame."""
        if not self._data and not self._parts:
            return []
        parts = [*self._parts, bytes(self._data)]
        self._data.clear()
        self._parts.clear()
        return parts

    def _end(self) -> None:
        """End a change: a frame has a limit, and the lists of a capture are long."""
        if len(self._data) >= _PART_BYTES:
            self._parts.append(bytes(self._data))
            self._data.clear()

    def new_thread(self, tid: int, values: Mapping[str, Value]) -> None:
        """Put a thread in the place of one with the same id."""
        self._data += _THREAD.pack(_THREAD_NEW, 0, tid)
        self.set_thread(tid, values)

    def set_thread(self, tid: int, values: Mapping[str, Value]) -> None:
        """Write fields of a thread."""
        for name, value in values.items():
            if (column := self._thread.get(name)) is None:
                continue
            if isinstance(value, str):
                self._data += _THREAD.pack(_THREAD_TEXT, column, tid) + _text(value)
            else:
                self._data += _THREAD.pack(_THREAD_NUMBER, column, tid)
                self._data += _NUMBER.pack(value & _MASK)
        self._end()

    def set_list(self, tid: int, name: str, rows: Iterable[tuple[str, ...]]) -> None:
        """Replace a list of a thread; each row has a text, or the two of a pair."""
        if (column := self._thread.get(name)) is None:
            return
        shown = list(rows)
        self._data += _THREAD.pack(_THREAD_LIST, column, tid) + _SIZE.pack(len(shown))
        self._data += b"".join(_text(text) for row in shown for text in row)
        self._end()

    def thread_gone(self, tid: int) -> None:
        """Remove a thread."""
        self._data += _THREAD.pack(_THREAD_GONE, 0, tid)

    def new_descriptor(self, tid: int, fd: int, values: Mapping[str, Value]) -> None:
        """Put a descriptor in the place of one with the same number."""
        self._data += _FD.pack(_FD_NEW, 0, tid, fd)
        for name, value in values.items():
            if (column := self._descriptor.get(name)) is None:
                continue
            if isinstance(value, str):
                self._data += _FD.pack(_FD_TEXT, column, tid, fd) + _text(value)
            else:
                self._data += _FD.pack(_FD_NUMBER, column, tid, fd) + _NUMBER.pack(value & _MASK)
        self._end()

    def descriptor_gone(self, tid: int, fd: int) -> None:
        """Remove a descriptor."""
        self._data += _FD.pack(_FD_GONE, 0, tid, fd)

    def copy_descriptors(self, tid: int, from_tid: int) -> None:
        """Give a thread copies of all descriptors of another."""
        self._data += _FD.pack(_FD_COPY, 0, tid, from_tid)


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogateescape").partition(b"\0")[0] + b"\0"
    return _SIZE.pack(len(data)) + data
