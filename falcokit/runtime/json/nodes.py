# SPDX-License-Identifier: Apache-2.0
"""The tree of an expression: its operators' numbers, its encoding, and its use of the argument.

The numbers and the encoding are defined in native/src/json/program.h and program.c.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["TYPES", "Node", "Op", "Policy", "policies"]

Policy = Literal["none", "json", "empty", "fail"]
_POLICIES: tuple[Policy, ...] = ("none", "json", "empty", "fail")

#: The types of JSON, by the bits they have in the C side.
TYPES = {"null": 1, "bool": 2, "number": 4, "string": 8, "array": 16, "object": 32}

_DEPTH_MAX = 60  # leaves four levels for the operators that a field adds
_KIDS_MAX = 255


class Op(IntEnum):
    """The operators."""

    HERE = 1
    ROOT = 2
    OUTER = 3
    CONST_TEXT = 4
    CONST_UINT = 5
    CONST_BOOL = 6
    EVENT = 7
    PATH = 8
    ARG_POINTER = 9
    ARG_KEY = 10
    ARG_INDEX = 11
    TEXT = 12
    JSON = 13
    UINT = 14
    BOOL = 15
    TIME = 16
    IP = 17
    EQUALS = 18
    TEST = 19
    COMPARE = 20
    IS_TYPE = 21
    MATCH_ARG = 22
    URL_QUERY = 23
    REGEX = 24
    MATCHES = 25
    PART = 26
    STRIP = 27
    CASE = 28
    SLICE = 29
    ELEMENTS = 30
    KEYS = 31
    ENTRIES = 32
    SPLIT = 33
    MAP = 34
    WHERE = 35
    PICK = 36
    EXISTS = 37
    NOT = 38
    ALL_OF = 39
    ANY_OF = 40
    COALESCE = 41
    WHEN = 42
    SWITCH = 43
    REQUIRED = 44
    TEMPLATE = 45
    JOIN = 46
    COUNT = 47
    SUM = 48
    UNIQUE = 49
    ARG_GIVEN = 50
    FLAT = 51


_MANY = frozenset({Op.ELEMENTS, Op.FLAT, Op.KEYS, Op.ENTRIES, Op.SPLIT})
_ONE = frozenset(
    {
        *(Op.PICK, Op.EXISTS, Op.NOT, Op.ALL_OF, Op.ANY_OF, Op.TEMPLATE, Op.JOIN, Op.COUNT),
        Op.SUM,
    }
)
_ARGUMENTS = {
    Op.ARG_POINTER: "key",
    Op.ARG_KEY: "key",
    Op.ARG_INDEX: "index",
    Op.MATCH_ARG: "key",
}


def policies(**choices: Policy) -> int:
    """Encode policies as flags, two bits each, in the given order."""
    flags = 0
    for i, (name, policy) in enumerate(choices.items()):
        if policy not in _POLICIES:
            raise ValueError(f"{name}={policy!r} is not one of {', '.join(_POLICIES)}")
        flags |= _POLICIES.index(policy) << 2 * i
    return flags


class Node:
    """One operator with its operands; immutable."""

    __slots__ = ("a", "b", "depth", "flags", "kids", "many", "op", "texts")

    def __init__(
        self,
        op: Op,
        kids: Iterable[Node] = (),
        *,
        flags: int = 0,
        texts: Iterable[bytes] = (),
        a: int = 0,
        b: int = 0,
    ) -> None:
        self.op, self.kids, self.texts = op, tuple(kids), tuple(texts)
        self.flags, self.a, self.b = flags, a, b
        self.depth: int = 1 + max((kid.depth for kid in self.kids), default=0)
        self.many: bool = self._is_many()
        if self.depth > _DEPTH_MAX or len(self.kids) > _KIDS_MAX:
            raise ValueError(
                f"the expression is too large: at most {_DEPTH_MAX} operators may be nested, and"
                f" one may have {_KIDS_MAX} operands"
            )
        if op not in (Op.REGEX, Op.MATCHES) and any(b"\0" in text for text in self.texts):
            raise ValueError("a text has a NUL character, which values of fields cannot have")

    def _is_many(self) -> bool:
        if self.op in _MANY:
            return True
        if self.op in _ONE or not self.kids:
            return False
        if self.op in (Op.WHERE, Op.SWITCH):
            return any(kid.many for kid in self.kids[:: 1 if self.op == Op.SWITCH else 2])
        return any(kid.many for kid in (self.kids[1:] if self.op == Op.WHEN else self.kids))

    def encode(self) -> bytes:
        """Return the tree in the encoding that json/program.c reads."""
        head = (self.op, self.flags, len(self.kids), len(self.texts), self.a, self.b)
        texts = (struct.pack("<I", len(text)) + text + b"\0" for text in self.texts)
        return b"".join(
            [struct.pack("<BBBHqq", *head), *texts, *(kid.encode() for kid in self.kids)]
        )

    def arguments(self) -> set[tuple[str, bool]]:
        """Return the uses of the field's argument: its kind, and whether it is required.

        The kind "given" asks whether there is one.
        """
        uses = set().union(*(kid.arguments() for kid in self.kids)) if self.kids else set()
        if self.op in _ARGUMENTS:
            uses.add((_ARGUMENTS[self.op], True))
        elif self.op == Op.ARG_GIVEN:
            uses.add(("given", False))
        elif self.op == Op.ELEMENTS and self.flags:
            uses.add(("index", False))
        elif self.op == Op.URL_QUERY and not self.texts:
            uses.add(("key", True))
        return uses

    def contexts(self) -> int:
        """Return how many each() and where() must enclose this for its outer()."""
        if self.op == Op.OUTER:
            return self.a
        if self.op in (Op.MAP, Op.WHERE):
            return max(self.kids[0].contexts(), self.kids[1].contexts() - 1)
        return max((kid.contexts() for kid in self.kids), default=0)
