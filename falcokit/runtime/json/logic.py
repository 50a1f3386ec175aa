# SPDX-License-Identifier: Apache-2.0
"""Predicates: Python's operators on expressions, and the operands of when(), where() and others.

    when((path("/verb") == "create") & ~path("/dry").exists(), "made", "not made")

An expression has no value while it is written, so what Python would decide immediately (if, and,
or, not, in) is an error that says what to write instead; otherwise Python would compare the objects
themselves and take a branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from falcokit.runtime.json.nodes import Node, Op

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Logic", "is_predicate", "predicates"]

_TRUTHS: Final = frozenset(
    {
        *(Op.EQUALS, Op.TEST, Op.COMPARE, Op.IS_TYPE, Op.MATCHES, Op.EXISTS, Op.NOT, Op.ALL_OF),
        *(Op.ANY_OF, Op.BOOL, Op.CONST_BOOL),
    }
)
#: Operators whose values are those of some of their operands: which ones.
_PASSING: Final = {
    Op.PICK: slice(0, 1),
    Op.WHERE: slice(0, 1),
    Op.REQUIRED: slice(0, 1),
    Op.COALESCE: slice(None),
    Op.MAP: slice(1, None),
    Op.WHEN: slice(1, None),
    Op.SWITCH: slice(1, None),
}


def is_predicate(node: Node) -> bool:
    """Return whether all values of a node are true or false."""
    if node.op in _PASSING:
        return all(map(is_predicate, node.kids[_PASSING[node.op]]))
    return node.op in _TRUTHS


def predicates(what: str, given: tuple[Any, ...]) -> tuple[Node, ...]:
    """Return the arguments of `what`, which must all be predicates.

    Raises:
        ValueError: one is not a predicate; the text says how to write one.

    """
    for one in given:
        if not isinstance(one, Node):
            raise ValueError(  # noqa: TRY004
                f"{what} takes a predicate, and {one!r} is not an expression: compare with == and"
                " !=, combine with & | ~"
            )
        if not is_predicate(one):
            raise ValueError(
                f"{what} takes a predicate, and its argument may have any value: compare it"
                " (== != less_than() greater_than()), test it (exists() is_type() matches()"
                " ...), or end it in as_bool() if the payload has true or false"
            )
    return given


class Logic(Node):
    """Python's operators on expressions."""

    __slots__ = ()
    __hash__ = Node.__hash__

    def __bool__(self) -> NoReturn:
        raise ValueError(
            "an expression is neither true nor false while it is written: write & for and, | for"
            " or, ~ for not, == in parentheses, equals() for in, and when() for if"
        )

    def __eq__(self, other: object) -> Self:  # type: ignore[override]
        return self._equals(other, "==")

    def __ne__(self, other: object) -> Self:  # type: ignore[override]
        return type(self)(Op.NOT, [self._equals(other, "!=")])

    def __and__(self, other: object) -> Self:
        return type(self)(Op.ALL_OF, predicates("&", (self, other)))

    def __or__(self, other: object) -> Self:
        return type(self)(Op.ANY_OF, predicates("|", (self, other)))

    def __invert__(self) -> Self:
        return type(self)(Op.NOT, predicates("~", (self,)))

    def __rand__(self, other: object) -> NoReturn:
        _bind("&", other)

    def __ror__(self, other: object) -> NoReturn:
        _bind("|", other)

    def _equals(self, other: object, sign: str) -> Self:
        if isinstance(other, Node):
            raise ValueError(f"{sign} takes a constant: two values cannot be compared")  # noqa: TRY004
        found: Self = getattr(self, "equals")(other)  # noqa: B009  # of Expression, below
        return found


def _bind(sign: str, other: object) -> NoReturn:
    raise ValueError(
        f"{other!r} {sign} an expression: {sign} binds before ==, so put each comparison into"
        f' parentheses: (path("/a") == 1) {sign} (path("/b") == 2)'
    )
