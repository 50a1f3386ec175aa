# SPDX-License-Identifier: Apache-2.0
"""A condition as a tree, as it was written: nothing here is known to exist or to fit.

Positions count characters of the text from 0. Two parts that differ in nothing but their positions
have the same `text_of`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "Check",
    "FieldRef",
    "Group",
    "ItemList",
    "Macro",
    "Node",
    "Operand",
    "Transformed",
    "Value",
    "fields_of",
    "macros_of",
    "parts_of",
    "quoted",
    "takes_list",
    "text_of",
]


class Value(Record):
    """A value that is written out, without its quotes; bytes, since an escape makes any."""

    data: bytes
    position: int
    #: Whether it stood in quotes: a bare word may be the name of a list.
    in_quotes: bool = False

    @property
    def text(self) -> str:
        """The value as text, bytes that are not UTF-8 by surrogateescape."""
        return self.data.decode("utf-8", "surrogateescape")


class FieldRef(Record):
    """A field and its argument: `g.key[a.b]`."""

    name: str
    argument: str | None
    position: int

    @property
    def written(self) -> str:
        """The field as Falco writes it in messages and as the key of an output: `g.key[a.b]`."""
        return self.name if self.argument is None else f"{self.name}[{self.argument}]"


class ItemList(Record):
    """A list in the arguments of a transformer: `(g.s, "-", tolower(g.t))`."""

    items: tuple[Operand, ...]
    position: int


class Transformed(Record):
    """A transformer and what it is applied to: `tolower(g.s)`, `join("-", g.ls)`.

    `val(g.t)`, which only the right-hand side has, is `val` over one field. Only `getopt` has an
    argument in brackets.
    """

    name: str
    operands: tuple[Operand, ...]
    argument: str | None
    position: int


class Check(Record):
    """One comparison of `left` with constants, or with the field or transformer `right`.

    `exists` has neither. The operator is as in Falco (`=` for `==`); one with a modifier is
    written with it, `= anyof`. `bare` says that the constants are one word without parentheses.
    """

    left: FieldRef | Transformed
    operator: str
    values: tuple[Value, ...]
    right: FieldRef | Transformed | None
    position: int
    operator_position: int
    bare: bool = False


class Group(Record):
    """`and` and `or` over two or more, `not` over one."""

    word: str
    children: tuple[Node, ...]
    position: int


class Macro(Record):
    """A name that stands for a condition, and that condition once it is known.

    `text` is what the body was read from, where that is not the text of the whole condition.
    """

    name: str
    position: int
    body: Node | None = None
    text: str | None = None


Operand: TypeAlias = FieldRef | Transformed | ItemList | Value
Node: TypeAlias = Check | Group | Macro

_ESCAPES: Final = {
    "\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f",
    "\0": "\\x00",
}  # fmt: skip


def parts_of(part: Node | Operand) -> tuple[Node | Operand, ...]:
    """Return what a part consists of: the sides of a check, the children of a group."""
    if isinstance(part, Group):
        return part.children
    if isinstance(part, Check):
        return (part.left,) if part.right is None else (part.left, part.right)
    if isinstance(part, Macro):
        return () if part.body is None else (part.body,)
    if isinstance(part, Transformed):
        return part.operands
    return part.items if isinstance(part, ItemList) else ()


def fields_of(part: Node | Operand) -> Iterator[FieldRef]:
    """Yield the fields of a tree, each as often as it is written."""
    if isinstance(part, FieldRef):
        yield part
    for inner in parts_of(part):
        yield from fields_of(inner)


def macros_of(node: Node) -> Iterator[Macro]:
    """Yield the macros that a tree names, those in the bodies of others too."""
    if isinstance(node, Macro):
        yield node
        if node.body is not None:
            yield from macros_of(node.body)
    elif isinstance(node, Group):
        for child in node.children:
            yield from macros_of(child)


def quoted(text: str) -> str:
    """Write a value so that it is read as `text`: in quotes, with escapes where they are needed."""
    inner = "".join(_ESCAPES.get(character, character) for character in text)
    if inner.endswith("\\\\"):
        # Falco takes a quote after a backslash for escaped, whatever stands before that.
        inner = inner[:-2] + "\\x5c"
    return f"'{inner}'"


def text_of(part: Node | Operand) -> str:
    """Write a tree as a condition again, in one form for each meaning."""
    return _TEXTS[type(part)](part)


def _group_text(group: Group) -> str:
    if group.word == "not":
        inner = group.children[0]
        # Two in a row would be read as none.
        return f"not ({text_of(inner)})" if isinstance(inner, Group) else f"not {text_of(inner)}"
    return f" {group.word} ".join(map(_grouped, group.children))


def _field_text(field: FieldRef) -> str:
    argument = field.argument
    if argument is None or not set("[]\"' \t\n\v\f\r") & set(argument):
        return field.written
    quote = "'" if '"' in argument else '"'
    return f"{field.name}[{quote}{argument}{quote}]"


def _transformed_text(part: Transformed) -> str:
    argument = "" if part.argument is None else f"[{part.argument}]"
    return f"{part.name}({', '.join(map(text_of, part.operands))}){argument}"


def _grouped(node: Node) -> str:
    text = text_of(node)
    return f"({text})" if isinstance(node, Group) and node.word != "not" else text


def _check_text(check: Check) -> str:
    left = text_of(check.left)
    if check.operator == "exists":
        return f"{left} exists"
    if check.right is not None:
        right = text_of(check.right)
    elif takes_list(check.operator):
        right = f"({', '.join(map(text_of, check.values))})"
    else:
        (value,) = check.values
        right = value.text if check.operator[0] in "<>" else text_of(value)
    return f"{left} {check.operator} {right}"


def takes_list(operator: str) -> bool:
    """Return whether an operator compares with a list of values."""
    return operator in {"in", "intersects", "pmatch"} or " " in operator


_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    Value: lambda value: quoted(value.text),
    FieldRef: _field_text,
    ItemList: lambda part: f"({', '.join(map(text_of, part.items))})",
    Transformed: _transformed_text,
    Macro: lambda macro: macro.name,
    Check: _check_text,
    Group: _group_text,
}
