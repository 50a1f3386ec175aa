# SPDX-License-Identifier: Apache-2.0
"""Whether a condition is true whenever another one is: as far as their form shows it.

True is certain; False says only that it does not show. What is compared are parts with the same
text, and comparisons of the same field with constants.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from falcokit.filter.clauses import Clause
from falcokit.filter.condition import Branch
from falcokit.filter.types import Family, family_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.filter.condition import Part

__all__ = ["Conditions", "Implications"]

#: Comparisons of parts for all rules together, some seconds at most; then nothing more is said.
_MAX_STEPS: Final = 100_000
#: Of numbers that fit every type: a larger one may be cut.
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


class Conditions:
    """Some conditions, each with a number, and which of them another one may imply.

    Most conditions need one field to be one of a few values. What implies such a one compares that
    field with some of the same values, so that it is found by them.
    """

    def __init__(self) -> None:
        self._by_value: dict[tuple[str, bytes], list[int]] = {}
        self._others: list[int] = []

    def add(self, number: int, root: Part) -> None:
        """Add a condition."""
        for clause in _needed(root):
            values = _values(clause)
            if values:
                for value in values:
                    self._by_value.setdefault((clause.left.key, value), []).append(number)
                return
        self._others.append(number)

    def implied_by(self, root: Part) -> list[int]:
        """Return the numbers of those that a condition may imply, in their order."""
        found = set(self._others)
        for clause in _clauses(root):
            for value in _values(clause):
                found.update(self._by_value.get((clause.left.key, value), ()))
        return sorted(found)


def _values(clause: Clause) -> set[bytes]:
    if clause.right is not None or clause.check.operator not in {"=", "in"}:
        return set()
    return {value.data for value in clause.check.values}


def _clauses(part: Part) -> Iterator[Clause]:
    if isinstance(part, Clause):
        yield part
    else:
        for child in part.children:
            yield from _clauses(child)


def _needed(part: Part) -> Iterator[Clause]:
    if isinstance(part, Clause):
        yield part
    elif part.word in {"and", "macro"}:
        for child in part.children:
            yield from _needed(child)


class Implications:
    """Compares conditions with each other, up to a number of steps that is enough for any rules."""

    def __init__(self) -> None:
        self._steps = _MAX_STEPS
        self._known: dict[tuple[int, int], bool] = {}

    @property
    def is_spent(self) -> bool:
        """Whether there are no steps left, so that nothing more is found."""
        return self._steps <= 0

    def implies(self, narrow: Part, wide: Part) -> bool:
        """Return whether `wide` is true for every event for which `narrow` is true."""
        self._steps -= 1
        # Parts are told apart by their addresses, which are theirs as long as both conditions live.
        self._known.clear()
        return self._holds(narrow, wide)

    def _holds(self, narrow: Part, wide: Part) -> bool:
        narrow, wide = _opened(narrow), _opened(wide)
        if isinstance(narrow, Clause) and isinstance(wide, Clause):
            return _clause_implies(narrow, wide)
        pair = id(narrow), id(wide)
        known = self._known.get(pair)
        if known is None:
            self._steps -= 1
            known = self._known[pair] = self._steps > 0 and self._compare(narrow, wide)
        return known

    def _compare(self, narrow: Part, wide: Part) -> bool:
        # First what splits without loss, then what may split in a way that does not show it.
        if _is(narrow, "or"):
            return all(self._holds(child, wide) for child in _children(narrow))
        if _is(wide, "and"):
            return all(self._holds(narrow, child) for child in _children(wide))
        if _is(narrow, "not") and _is(wide, "not"):
            return self._holds(_children(wide)[0], _children(narrow)[0])
        return (
            _is(wide, "or") and any(self._holds(narrow, child) for child in _children(wide))
        ) or (_is(narrow, "and") and any(self._holds(child, wide) for child in _children(narrow)))


def _is(part: Part, word: str) -> bool:
    return isinstance(part, Branch) and part.word == word


def _children(part: Part) -> tuple[Part, ...]:
    return part.children if isinstance(part, Branch) else ()


def _opened(part: Part) -> Part:
    while isinstance(part, Branch) and part.word == "macro":
        part = part.children[0]
    return part


def _clause_implies(narrow: Clause, wide: Clause) -> bool:
    if narrow.key == wide.key:
        return True
    if narrow.left.key != wide.left.key:
        return False
    if wide.check.operator == "exists":
        # A comparison with a missing value is false.
        return True
    if narrow.right is not None or wide.right is not None:
        return False
    if {narrow.check.operator, wide.check.operator} <= {"=", "in"}:
        constants = _values(narrow)
        return bool(constants) and constants <= _values(wide)
    inner, outer = _interval(narrow), _interval(wide)
    return (
        inner is not None and outer is not None and (outer[0] <= inner[0] and inner[1] <= outer[1])
    )


def _interval(clause: Clause) -> tuple[float, float] | None:
    """Return the numbers for which a comparison is true."""
    values = clause.check.values
    if family_of(clause.left.type, is_list=clause.left.is_list) is not Family.NUMBER:
        return None
    if len(values) != 1 or not _NUMBER.fullmatch(values[0].text):
        return None
    number = int(values[0].text)
    infinity = float("inf")
    return {
        "=": (number, number),
        "<": (-infinity, number - 1),
        "<=": (-infinity, number),
        ">": (number + 1, infinity),
        ">=": (number, infinity),
    }.get(clause.check.operator)
