# SPDX-License-Identifier: Apache-2.0
"""Macros and lists by name, put into a condition that is written outside a rules file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.filter.errors import FilterError
from falcokit.filter.grammar import parse
from falcokit.filter.tree import Check, Group, Macro, Node, Value, takes_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["parse_with_macros"]

#: Checks of a condition with its macros written out: each of thirty that name the one before twice
#: would make a thousand millions of them.
_MAX_CHECKS: Final = 100_000


def parse_with_macros(
    text: str, macros: Mapping[str, str], lists: Mapping[str, Sequence[str]]
) -> Node:
    """Return the tree of a condition, with the bodies of its macros and the items of its lists.

    A list is named by a word without quotes where a list of values stands. Raises FilterError, for
    a mistake in a macro too, whose text the error then shows.
    """
    return _Expander(macros, lists).expand(parse(text), text, ())


class _Expander:
    """Expands the trees of one condition and its macros."""

    def __init__(self, macros: Mapping[str, str], lists: Mapping[str, Sequence[str]]) -> None:
        self._macros = macros
        self._lists = lists
        self._checks = 0
        #: The body of each macro that was expanded, and how many checks are in it.
        self._bodies: dict[str, tuple[Node, int]] = {}

    def expand(self, node: Node, text: str, inside: tuple[str, ...]) -> Node:
        """Expand a tree that was read from `text`, `inside` being the macros around it."""
        if isinstance(node, Group):
            children = tuple(self.expand(child, text, inside) for child in node.children)
            return node.replace(children=children)
        if isinstance(node, Macro):
            return self._macro(node, text, inside)
        self._count(1, text, node.position)
        return self._with_lists(node, text)

    def _count(self, checks: int, text: str, position: int) -> None:
        self._checks += checks
        if self._checks > _MAX_CHECKS:
            raise FilterError("the macros make this condition too large", text, position)

    def _macro(self, macro: Macro, text: str, inside: tuple[str, ...]) -> Node:
        body = self._macros.get(macro.name)
        if body is None:
            return macro  # which the compiler refuses
        if macro.name in inside:
            reason = f"the macro {macro.name} is part of its own condition"
            raise FilterError(reason, text, macro.position)
        known = self._bodies.get(macro.name)
        if known is not None:
            self._count(known[1], text, macro.position)
            return macro.replace(body=known[0], text=body)
        before = self._checks
        expanded = self.expand(parse(body), body, (*inside, macro.name))
        self._bodies[macro.name] = expanded, self._checks - before
        return macro.replace(body=expanded, text=body)

    def _with_lists(self, check: Check, text: str) -> Check:
        if not takes_list(check.operator) or not self._lists:
            return check
        values = [item for value in check.values for item in self._items(value, text, ())]
        return check.replace(values=tuple(values))

    def _items(self, value: Value, text: str, inside: tuple[str, ...]) -> Iterator[Value]:
        name = value.text
        items = None if value.in_quotes else self._lists.get(name)
        if items is None:
            yield value
            return
        if name in inside:
            raise FilterError(f"the list {name} is one of its own items", text, value.position)
        for item in items:
            self._checks += 1
            if self._checks > _MAX_CHECKS:
                raise FilterError("the lists make this condition too large", text, value.position)
            data = item.encode("utf-8", "surrogateescape")
            yield from self._items(value.replace(data=data), text, (*inside, name))
