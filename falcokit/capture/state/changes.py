# SPDX-License-Identifier: Apache-2.0
"""Who is told what changes in the table of threads: the runner on a replay, else nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Changes", "NoChanges", "Value"]

Value = int | str


class Changes(Protocol):
    """Is told each change, in the order in which they happen."""

    def new_thread(self, tid: int, values: Mapping[str, Value]) -> None:
        """Put a thread in the place of one with the same id."""

    def set_thread(self, tid: int, values: Mapping[str, Value]) -> None:
        """Write fields of a thread."""

    def set_list(self, tid: int, name: str, rows: Iterable[tuple[str, ...]]) -> None:
        """Replace a list of a thread; each row has a text, or the two of a pair."""

    def thread_gone(self, tid: int) -> None:
        """Remove a thread."""

    def new_descriptor(self, tid: int, fd: int, values: Mapping[str, Value]) -> None:
        """Put a descriptor in the place of one with the same number."""

    def descriptor_gone(self, tid: int, fd: int) -> None:
        """Remove a descriptor."""

    def copy_descriptors(self, tid: int, from_tid: int) -> None:
        """Give a thread copies of all descriptors of another."""


class NoChanges:
    """Nobody asks."""

    def new_thread(self, tid: int, values: Mapping[str, Value]) -> None:
        """Do nothing."""

    def set_thread(self, tid: int, values: Mapping[str, Value]) -> None:
        """Do nothing."""

    def set_list(self, tid: int, name: str, rows: Iterable[tuple[str, ...]]) -> None:
        """Do nothing."""

    def thread_gone(self, tid: int) -> None:
        """Do nothing."""

    def new_descriptor(self, tid: int, fd: int, values: Mapping[str, Value]) -> None:
        """Do nothing."""

    def descriptor_gone(self, tid: int, fd: int) -> None:
        """Do nothing."""

    def copy_descriptors(self, tid: int, from_tid: int) -> None:
        """Do nothing."""
