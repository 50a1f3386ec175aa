# SPDX-License-Identifier: Apache-2.0
"""Which event types a condition can be true for: Falco's `LOAD_NO_EVTTYPE`, and names of types.

A rule for system calls is tried on the events of the types that its condition leaves possible.
Falco warns where these are more than a hundred, and refuses a type that nobody has.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from falcokit.capture.events.event_table import event_table
from falcokit.filter.tree import Check, FieldRef, Group, Macro, Transformed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from falcokit.filter.tree import Node

__all__ = ["TOO_MANY", "EventTypeError", "count_event_types", "is_event_type", "type_names"]

#: Falco warns of more event types than this.
TOO_MANY: Final = 100

_NAMED: Final = frozenset({"evt.type", "syscall.type"})
_OPERATORS: Final = frozenset({"=", "!=", "in"})
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,40}")

#: Sets of event codes as ints with a bit for each code.
_Codes: TypeAlias = int


class EventTypeError(Exception):
    """A comparison of `evt.type` that Falco cannot make sense of."""


def is_event_type(name: str, async_events: Collection[str]) -> bool:
    """Whether an event type, a system call or an async event of a plugin has that name."""
    return name in type_names() or name in async_events


@functools.cache
def type_names() -> frozenset[str]:
    """Return the names of all event types and system calls."""
    table = event_table()
    return frozenset((*(event.name for event in table.events), *table.ppm_sc.values()))


def count_event_types(node: Node, async_events: Collection[str]) -> int:
    """Return for how many event types a condition can be true; raise EventTypeError."""
    return _Possible(async_events).codes(node, negated=False)[0].bit_count()


@functools.cache
def _codes_by_name() -> dict[str, _Codes]:
    codes: dict[str, _Codes] = {}
    # The first two are for system calls without a type of their own.
    for code, event in enumerate(event_table().events[2:], 2):
        codes[event.name] = codes.get(event.name, 0) | 1 << code
    return codes


@functools.cache
def _every() -> _Codes:
    return (1 << len(event_table().events)) - 1


@functools.cache
def _async_code() -> _Codes:
    return _codes_by_name().get("asyncevent", 0)


class _Possible:
    """Walks a condition; negations are carried down to the checks, as in Falco."""

    def __init__(self, async_events: Collection[str]) -> None:
        self._async_events = async_events

    def codes(self, node: Node, *, negated: bool) -> tuple[_Codes, bool]:
        """Return the codes, and whether the node says anything about types."""
        if isinstance(node, Macro):
            return (
                (_every(), False) if node.body is None else self.codes(node.body, negated=negated)
            )
        if isinstance(node, Group):
            if node.word == "not":
                return self.codes(node.children[0], negated=not negated)
            parts = [self.codes(child, negated=negated)[0] for child in node.children]
            if (node.word == "and") != negated:
                return functools.reduce(lambda a, b: a & b, parts, _every()), False
            return functools.reduce(lambda a, b: a | b, parts, 0), False
        return self._check(node, negated=negated), True

    def _check(self, check: Check, *, negated: bool) -> _Codes:
        every = _every()
        of_number = _of_event_number(check)
        if of_number is not None:
            codes = every if of_number else 0
            return every & ~codes if negated else codes
        left = check.left
        named = isinstance(left, FieldRef) and left.name in _NAMED and left.argument is None
        if check.operator == "exists":
            return 0 if named and negated else every
        if isinstance(left, Transformed) and _has_type(left):
            if check.operator in _OPERATORS:
                raise EventTypeError("evt.type cannot stand in a transformer")
            return every
        if not named or check.operator not in _OPERATORS:
            return every
        if check.right is not None:
            raise EventTypeError("evt.type cannot be compared with a field")
        codes = self._named(value.text for value in check.values)
        inverted = negated != (check.operator == "!=")
        return every & ~codes if inverted else codes

    def _named(self, names: Iterable[str]) -> _Codes:
        known = _codes_by_name()
        codes: _Codes = 0
        rest: set[str] = set()
        for name in names:
            if name in known:
                codes |= known[name]
            elif name in self._async_events:
                codes |= _async_code()
            else:
                rest.add(name)
        if rest & type_names():
            codes |= 0b11
        return codes


def _has_type(field: Transformed) -> bool:
    inner = field.operands[0]
    return (isinstance(inner, FieldRef) and inner.name in _NAMED and inner.argument is None) or (
        isinstance(inner, Transformed) and _has_type(inner)
    )


def _of_event_number(check: Check) -> bool | None:
    """Return whether a check of `evt.num`, which is never 0, holds always or never; else None."""
    left = check.left
    if not isinstance(left, FieldRef) or left.name != "evt.num" or check.right is not None:
        return None
    numbers = [int(value.text) % 2**64 for value in check.values if _NUMBER.fullmatch(value.text)]
    if len(numbers) < len(check.values):
        return None
    if check.operator == "in":
        return None if any(numbers) else False
    if not numbers:
        return None
    number = numbers[0]
    outcomes = {
        "=": (number == 0, False),
        "!=": (number == 0, True),
        "<": (number <= 1, False),
        "<=": (number == 0, False),
        ">": (number == 0, True),
        ">=": (number <= 1, True),
    }
    decided, outcome = outcomes.get(check.operator, (False, False))
    return outcome if decided else None
