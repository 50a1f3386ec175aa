# SPDX-License-Identifier: Apache-2.0
"""Starting points of expressions over JSON: paths, constants, the event, choices between them.

docs/json-fields.md has every operator with an example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from falcokit.runtime.json.expressions import Expression, constant
from falcokit.runtime.json.expressions import predicates as checked
from falcokit.runtime.json.nodes import Node, Op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from falcokit.runtime.json.expressions import Constant

__all__ = [
    "all_of",
    "any_of",
    "arg_given",
    "coalesce",
    "const",
    "event",
    "here",
    "outer",
    "path",
    "root",
    "switch",
    "template",
    "when",
]

_UNTIL = ("exists", "non_null", "non_empty", "positive")

#: The current value: an element inside each() and where(), else the document.
here = Expression(Op.HERE)
#: The document, also inside each() and where().
root = Expression(Op.ROOT)


#: Whether the rule gives the field an argument; the argument is optional then.
arg_given = Expression(Op.ARG_GIVEN)


def path(*keys: str | int, through_arrays: bool = False) -> Expression:
    """Go from the current value to a member or element: a JSON pointer, or keys.

    With `through_arrays`, an array on the way stands for all its elements, at any level.
    """
    return here.path(*keys, through_arrays=through_arrays)


def outer(levels: int = 1) -> Expression:
    """Return the current value `levels` enclosing each() or where() further out."""
    if not 0 < levels < 64:  # noqa: PLR2004  # deeper than expressions are
        raise ValueError(f"outer({levels}): levels are counted from 1")
    return Expression(Op.OUTER, a=levels)


def const(value: str | int | bool) -> Expression:
    """Return a constant."""
    return here._as_node(value)  # noqa: SLF001


class _Event:
    """The event's own properties, and its payload as text."""

    #: The time, ns since the epoch.
    ts = Expression(Op.TIME, [Expression(Op.EVENT, flags=0)])
    #: Its number in the capture.
    number = Expression(Op.EVENT, flags=1)
    #: The name of its event source.
    source = Expression(Op.EVENT, flags=2)
    #: The payload as text, be it JSON or not.
    raw = Expression(Op.EVENT, flags=3)


event = _Event()


def coalesce(
    *choices: Expression | str | int | bool,
    until: Literal["exists", "non_null", "non_empty", "positive"] = "exists",
) -> Expression:
    """Return the values of the first choice that has any: any at all, or any that `until` allows.

    non_null excludes null, non_empty also "", positive everything except numbers above 0.
    """
    if until not in _UNTIL:
        raise ValueError(f"until={until!r} is not one of {', '.join(_UNTIL)}")
    if not choices:
        raise ValueError("coalesce() needs an expression")
    return Expression(Op.COALESCE, _nodes(choices), flags=_UNTIL.index(until))


def when(
    predicate: Expression,
    then: Expression | str | int | bool,
    otherwise: Expression | str | int | bool | None = None,
) -> Expression:
    """Return `then` if `predicate` is true, else `otherwise`, or no value."""
    choices = [then] if otherwise is None else [then, otherwise]
    return Expression(Op.WHEN, [*checked("when()", (predicate,)), *_nodes(choices)])


def switch(
    value: Expression,
    cases: Mapping[Constant, Expression | str | int | bool],
    default: Expression | str | int | bool | None = None,
) -> Expression:
    """Return the case whose key equals `value`, in type and value; else `default`, or no value."""
    if value.many:
        raise ValueError("switch(): there may be several values; choose one with first()")
    if not cases:
        raise ValueError("switch() needs a case")
    choices = [*cases.values(), *([] if default is None else [default])]
    keys = [constant(key) for key in cases]
    return Expression(Op.SWITCH, _nodes([value, *choices]), texts=keys)


def all_of(*predicates: Expression) -> Expression:
    """Return whether all predicates are true; for two the same as &."""
    return Expression(Op.ALL_OF, _predicates("all_of()", predicates))


def any_of(*predicates: Expression) -> Expression:
    """Return whether one of the predicates is true; for two the same as |."""
    return Expression(Op.ANY_OF, _predicates("any_of()", predicates))


def template(text: str, **parts: Expression) -> Expression:
    """Fill the parts into `text`, such as "s3://{bucket}/{key}"; no value if a part has none.

    Write a literal brace twice.
    """
    texts, nodes, unused = [""], [], set(parts)
    rest = text
    while rest:
        plain, brace, rest = _up_to_brace(rest)
        texts[-1] += plain
        if brace and rest.startswith(brace):
            texts[-1] += brace
            rest = rest[1:]
        elif brace:
            name, end, rest = rest.partition("}")
            if brace == "}" or not end or name not in parts:
                raise ValueError(f"template({text!r}): {{{name}}} is not one of {sorted(parts)}")
            if parts[name].many:
                raise ValueError(f"template({text!r}): {name} may have several values; join() them")
            unused.discard(name)
            nodes.append(parts[name])
            texts.append("")
    if unused:
        raise ValueError(f"template({text!r}): there is no place for {', '.join(sorted(unused))}")
    return Expression(Op.TEMPLATE, nodes, texts=[part.encode() for part in texts])


def _up_to_brace(text: str) -> tuple[str, str, str]:
    for i, char in enumerate(text):
        if char in "{}":
            return text[:i], char, text[i + 1 :]
    return text, "", ""


def _nodes(values: object) -> list[Node]:
    return [here._as_node(value) for value in values]  # type: ignore[attr-defined]  # noqa: SLF001


def _predicates(what: str, given: tuple[Expression, ...]) -> tuple[Node, ...]:
    if not given:
        raise ValueError(f"{what} takes at least one predicate")
    return checked(what, given)
