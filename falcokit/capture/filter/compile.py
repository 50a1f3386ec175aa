# SPDX-License-Identifier: Apache-2.0
"""Filters in Falco's condition syntax: `compile_filter("evt.type=tick and evt.cpu in (0, 1)")`.

The text is compiled once into functions of an event, and into conditions on the event's header
alone, so that a scan can skip most events unread. docs/filters.md describes the language.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any, Final, final

from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.checks import Part, compile_clause
from falcokit.capture.filter.fields import CaptureFields, Context
from falcokit.capture.filter.needs import ANYTHING, EVERY_CODE, NOTHING
from falcokit.filter.condition import Branch, compile_condition
from falcokit.filter.errors import FilterError
from falcokit.filter.expand import parse_with_macros
from falcokit.filter.tree import FieldRef, Group, Macro, Node, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.checks import Match
    from falcokit.capture.filter.needs import Needs
    from falcokit.capture.native.condition import NativeNode
    from falcokit.capture.render.state import Resolver
    from falcokit.filter.clauses import Clause
    from falcokit.filter.condition import Condition
    from falcokit.filter.fields import FieldCatalog

__all__ = ["Filter", "compile_filter", "compile_parts", "condition_of", "describe"]

_MS: Final = 1_000_000
_AROUND_DIGITS: Final = 40
_LAST_NS: Final = 2**64 - 1
#: What C takes: each clause has tables of the event codes, each level takes a piece of its stack.
_NATIVE_CLAUSES: Final = 500
_NATIVE_DEPTH: Final = 200


@final
class Filter:
    """A compiled filter; `needs` has the conditions that a fast scan can check by the header."""

    __slots__ = ("_codes", "_match", "_native", "needs", "text")

    def __init__(
        self, text: str, match: Match, needs: Needs, native: Callable[[], NativeNode] | None = None
    ) -> None:
        self.text: Final = text
        self.needs: Final = needs
        self._native = native
        self._match = match
        self._codes = needs.codes

    def matches(self, event: Event) -> bool:
        """Return whether an event passes; one with contradictory lengths has no parameters."""
        if self._codes is not None and event.code not in self._codes:
            return False
        return bool(self._match(event))

    def native(self) -> NativeNode | None:
        """Describe the filter for C, None if it is too large for that."""
        return None if self._native is None else self._native()


def compile_filter(
    text: str,
    *,
    sources: Mapping[int, str] | None = None,
    resolver: Resolver | None = None,
    macros: Mapping[str, str] | None = None,
    lists: Mapping[str, Sequence[str]] | None = None,
) -> Filter:
    """Compile a filter; raise FilterError, which points at the mistake in the text.

    `sources` has the names of event sources by plugin id for evt.source, since a capture has only
    the ids. `resolver` resolves numbers in evt.arg and evt.args. `macros` are conditions that the
    filter may name, `lists` values that it may name where a list stands.
    """
    fields = CaptureFields(Context(sources=sources or {}, resolver=resolver))
    root = condition_of(text, fields, macros=macros, lists=lists).root
    part = compile_parts(root, lambda clause: compile_clause(clause, fields))
    needs = part.true.needs(len(event_table().events), part.sure)
    return Filter(text, part.match, needs, describe(part))


def describe(part: Part) -> Callable[[], NativeNode] | None:
    """Return what describes a compiled filter for C, None if it is too large for that."""
    small = part.clauses <= _NATIVE_CLAUSES and part.depth <= _NATIVE_DEPTH
    return part.native if small else None


def condition_of(
    text: str,
    fields: FieldCatalog,
    *,
    macros: Mapping[str, str] | None = None,
    lists: Mapping[str, Sequence[str]] | None = None,
) -> Condition:
    """Compile a filter into a condition on many events at once; raise FilterError as above."""
    tree = _without_around(parse_with_macros(text, macros or {}, lists or {}), text)
    return compile_condition(tree, fields, text)


def compile_parts(root: Clause | Branch, compile_one: Callable[[Clause], Part]) -> Part:
    """Compile the parts of a condition, of which `compile_one` compiles the clauses."""
    if not isinstance(root, Branch):
        return compile_one(root)
    parts = [compile_parts(child, compile_one) for child in root.children]
    if root.word == "macro":
        return parts[0]
    if root.word == "not":
        return _negated(parts[0])
    parts.sort(key=lambda part: not part.cheap)
    return _all(parts) if root.word == "and" else _any(parts)


def _negated(part: Part) -> Part:
    inner = part.match
    return Part(
        match=lambda event: not inner(event),
        true=part.false,
        false=part.true,
        sure=EVERY_CODE & ~part.true.codes,
        cheap=part.cheap,
        **_in_c("FK_NOT", [part]),
    )


def _in_c(word: str, parts: list[Part]) -> dict[str, Any]:
    """Return how a group of parts is described to C."""

    def native() -> NativeNode:
        from falcokit.capture.native.condition import NativeGroup  # noqa: PLC0415 - for large files

        return NativeGroup(word=word, children=tuple(part.native() for part in parts))

    return {
        "native": native,
        "clauses": sum(part.clauses for part in parts),
        "depth": 1 + max(part.depth for part in parts),
    }


def _without_around(node: Node, text: str) -> Node:
    """Replace evt.around[T]=D by the two comparisons of evt.rawtime that it stands for."""
    if isinstance(node, Group):
        return node.replace(children=tuple(_without_around(child, text) for child in node.children))
    if isinstance(node, Macro):
        if node.body is None:
            return node
        return node.replace(body=_without_around(node.body, node.text or text))
    field = node.left
    if not isinstance(field, FieldRef) or field.name != "evt.around":
        return node
    if node.operator != "=":
        raise FilterError("evt.around only has =", text, node.operator_position)
    moment, span = field.argument or "", node.values[0].text if node.values else ""
    if not (moment.isdecimal() and span.isdecimal() and len(moment + span) <= _AROUND_DIGITS):
        reason = "write it as evt.around[NANOSECONDS]=MILLISECONDS"
        raise FilterError(reason, text, node.position)
    first = max(int(moment) - int(span) * _MS, 0)
    last = min(int(moment) + int(span) * _MS, _LAST_NS)
    children = tuple(
        node.replace(
            left=field.replace(name="evt.rawtime", argument=None),
            operator=operator,
            values=(Value(data=str(ns).encode(), position=node.position),),
        )
        for operator, ns in ((">=", first), ("<=", last))
    )
    return Group(word="and", children=children, position=node.position)


def _all(parts: list[Part]) -> Part:
    true, false = ANYTHING, NOTHING
    for part in parts:
        true, false = true & part.true, false | part.false
    first, *rest = [part.match for part in parts]
    if len(rest) == 1:
        second = rest[0]

        def match(event: Event) -> object:
            return first(event) and second(event)
    else:

        def match(event: Event) -> object:
            return first(event) and all(other(event) for other in rest)

    sure = functools.reduce(operator.and_, (part.sure for part in parts))
    cheap = all(part.cheap for part in parts)
    more = _in_c("FK_AND", parts)
    return Part(match=match, true=true, false=false, sure=sure, cheap=cheap, **more)


def _any(parts: list[Part]) -> Part:
    true, false = NOTHING, ANYTHING
    for part in parts:
        true, false = true | part.true, false & part.false
    matches = [part.match for part in parts]

    def match(event: Event) -> object:
        return any(one(event) for one in matches)

    # A part that is sure within its own bounds may not be sure within the wider ones of all parts.
    sure = functools.reduce(operator.or_, (part.sure for part in parts if part.true.by_code), 0)
    cheap = all(part.cheap for part in parts)
    more = _in_c("FK_OR", parts)
    return Part(match=match, true=true, false=false, sure=sure, cheap=cheap, **more)
