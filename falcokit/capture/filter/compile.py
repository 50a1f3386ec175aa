# SPDX-License-Identifier: Apache-2.0
"""Filters in Falco's condition syntax: `compile_filter("evt.type=tick and evt.cpu in (0, 1)")`.

The text is compiled once into functions of an event, and into conditions on the event's header
alone, so that a scan can skip most events unread. docs/filters.md describes the language.
"""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Final, final

from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.checks import Part, compile_check
from falcokit.capture.filter.fields import Context
from falcokit.capture.filter.grammar import Check, Value, parse
from falcokit.capture.filter.needs import ANYTHING, EVERY_CODE, NOTHING
from falcokit.capture.format.errors import FilterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.checks import Match
    from falcokit.capture.filter.grammar import Node
    from falcokit.capture.filter.needs import Needs
    from falcokit.capture.render.state import Resolver

__all__ = ["Filter", "compile_filter"]

_MS: Final = 1_000_000
_AROUND_DIGITS: Final = 40


@final
class Filter:
    """A compiled filter; `needs` has the conditions that a fast scan can check by the header."""

    __slots__ = ("_codes", "_match", "needs", "text")

    def __init__(self, text: str, match: Match, needs: Needs) -> None:
        self.text: Final = text
        self.needs: Final = needs
        self._match = match
        self._codes = needs.codes

    def matches(self, event: Event) -> bool:
        """Return whether an event passes; one with contradictory lengths has no parameters."""
        if self._codes is not None and event.code not in self._codes:
            return False
        return bool(self._match(event))


def compile_filter(
    text: str, *, sources: Mapping[int, str] | None = None, resolver: Resolver | None = None
) -> Filter:
    """Compile a filter; raise FilterError, which points at the mistake in the text.

    `sources` has the names of event sources by plugin id for evt.source, since a capture has only
    the ids. `resolver` resolves numbers in evt.arg and evt.args.
    """
    compiler = _Compiler(text, Context(sources=sources or {}, resolver=resolver))
    part = compiler.node(parse(text))
    return Filter(text, part.match, part.true.needs(len(event_table().events), part.sure))


class _Compiler:
    """Turns the tree of one text into functions; as deep as the parser lets parentheses be."""

    def __init__(self, text: str, context: Context) -> None:
        self._text = text
        self._context = context

    def node(self, node: Node) -> Part:
        if isinstance(node, Check):
            return self._around(node) if node.field == "evt.around" else self._check(node)
        if node.word == "not":
            part = self.node(node.children[0])
            inner = part.match
            return Part(
                match=lambda event: not inner(event),
                true=part.false,
                false=part.true,
                sure=EVERY_CODE & ~part.true.codes,
                cheap=part.cheap,
            )
        parts = sorted(map(self.node, node.children), key=lambda part: not part.cheap)
        return _all(parts) if node.word == "and" else _any(parts)

    def _check(self, check: Check) -> Part:
        return compile_check(check, self._text, self._context)

    def _around(self, check: Check) -> Part:
        """Compile evt.around[T]=D as the two comparisons of evt.rawtime that it stands for."""
        if check.operator != "=":
            raise FilterError("evt.around only has =", self._text, check.operator_position)
        moment, span = check.argument or "", check.values[0].text
        if not (moment.isdecimal() and span.isdecimal() and len(moment + span) <= _AROUND_DIGITS):
            reason = "write it as evt.around[NANOSECONDS]=MILLISECONDS"
            raise FilterError(reason, self._text, check.position)
        ends = (
            (">=", int(moment) - int(span) * _MS),
            ("<=", int(moment) + int(span) * _MS),
        )
        return _all(
            [
                self._check(
                    check.replace(
                        field="evt.rawtime",
                        argument=None,
                        operator=operator,
                        values=(Value(data=str(ns).encode(), position=check.position),),
                    )
                )
                for operator, ns in ends
            ]
        )


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
    return Part(match=match, true=true, false=false, sure=sure, cheap=cheap)


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
    return Part(match=match, true=true, false=false, sure=sure, cheap=cheap)
