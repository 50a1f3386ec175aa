# SPDX-License-Identifier: Apache-2.0
"""A filter as a tree of comparisons."""

from __future__ import annotations

from typing import TypeAlias

from falcokit.capture.format.record import Record

__all__ = ["Check", "Group", "Node", "Value"]


class Value(Record):
    """One right-hand value without its quotes; bytes, since an escape makes any."""

    data: bytes
    position: int

    @property
    def text(self) -> str:
        """The value as text, with the same escapes for bytes that are not UTF-8 as in captures."""
        return self.data.decode("utf-8", "backslashreplace")


class Check(Record):
    """One comparison; the operator `exists` has no values."""

    field: str
    argument: str | None
    operator: str
    values: tuple[Value, ...]
    position: int
    operator_position: int


class Group(Record):
    """`and` and `or` over two or more, `not` over one."""

    word: str
    children: tuple[Node, ...]


Node: TypeAlias = Check | Group
