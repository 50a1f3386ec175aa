# SPDX-License-Identifier: Apache-2.0
"""A filter as a tree of comparisons. Made by `filter_grammar` and `filter_plain` for `filter`."""

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
        """The value as text, with the escapes that text of a capture has for bytes not UTF-8."""
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
