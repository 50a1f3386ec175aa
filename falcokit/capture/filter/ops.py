# SPDX-License-Identifier: Apache-2.0
"""The operators of a filter for each kind of value.

`build_test` compiles an operator and its right-hand values into a function of one value. The
operators and their kinds are Falco's, without `regex`: a hostile payload could make Python's engine
run forever.
"""

from __future__ import annotations

import functools
import operator
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from falcokit.capture.filter.grammar import Value

__all__ = ["OPERATORS", "Kind", "Test", "ValueFaultError", "build_test"]

#: Returns a true value when a value of its kind passes; never called with None.
Test: TypeAlias = "Callable[[Any], object]"


class Kind(StrEnum):
    """The kind of a field's values, which determines its operators."""

    NUMBER = "number"
    BOOL = "true or false"
    TEXT = "text"
    BYTES = "bytes"


class ValueFaultError(Exception):
    """A right-hand value, or the operator (`value` is None), that the field does not support."""

    def __init__(self, reason: str, value: Value | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


_BASIC: Final = ("=", "!=", "in", "intersects", "exists")
_ORDER: Final = ("<", "<=", ">", ">=")
OPERATORS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.NUMBER: (*_BASIC, *_ORDER),
    Kind.BOOL: _BASIC,
    Kind.TEXT: (
        *_BASIC, *_ORDER,
        "contains", "icontains", "startswith", "endswith", "glob", "iglob", "pmatch",
    ),
    Kind.BYTES: (*_BASIC, "contains", "startswith", "endswith", "bcontains", "bstartswith"),
}  # fmt: skip

_NUMBER: Final = r"[+-]?[0-9]{1,20}|0[xX][0-9a-fA-F]{1,16}"
_BOOLS: Final = {"true": True, "false": False}
_CLASSES: Final = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z",
    "space": r" \t\n\r\f\v", "blank": r" \t", "xdigit": "0-9a-fA-F",
}  # fmt: skip


def build_test(kind: Kind, name: str, values: Sequence[Value]) -> Test:
    """Return the test of the operator `name`; raise ValueFaultError if the kind cannot have it."""
    if name == "regex":
        raise ValueFaultError("regex is not supported; use glob, contains or startswith")
    if name not in OPERATORS[kind]:
        has = " ".join(OPERATORS[kind])
        raise ValueFaultError(f"'{name}' does not apply to {kind}; that has {has}")
    if name == "exists":
        return _always
    operands = [_operand(kind, name, value) for value in values]
    if name in {"in", "intersects"}:
        return frozenset(operands).__contains__
    if name == "pmatch":
        return _path_test([str(operand) for operand in operands])
    return _TESTS[name](operands[0])


def _always(_: Any) -> bool:
    return True


def _operand(kind: Kind, name: str, value: Value) -> Any:
    if kind is Kind.NUMBER:
        if not re.fullmatch(_NUMBER, value.text):
            raise ValueFaultError("this is not a whole number", value)
        return int(value.text, 16 if value.text[:2] in {"0x", "0X"} else 10)
    if kind is Kind.BOOL:
        if value.text not in _BOOLS:
            raise ValueFaultError("this is neither true nor false", value)
        return _BOOLS[value.text]
    if kind is Kind.TEXT:
        if b"\0" in value.data:
            raise ValueFaultError("text cannot contain a NUL byte", value)
        return value.text
    if name.startswith("b"):
        try:
            return bytes.fromhex(value.text)
        except ValueError:
            raise ValueFaultError(f"{name} takes bytes in hex, two digits each", value) from None
    return value.data


def _glob(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> Callable[[str], object]:
    """Compile a pattern of fnmatch(3): `*` matches slashes, a backslash escapes."""
    import fnmatch  # noqa: PLC0415 - only for a glob

    return re.compile(fnmatch.translate(_plain_glob(pattern)), flags).match


def _plain_glob(pattern: str) -> str:
    """Rewrite the C library's features that Python's fnmatch lacks: escapes, ^ and classes."""
    pieces, at = [], 0
    while at < len(pattern):
        bracket = re.compile(_BRACKET).match(pattern, at)
        if bracket:
            body = re.sub(_CLASS, lambda found: _CLASSES.get(found[1], ""), bracket[2])
            pieces.append(f"[{'!' if bracket[1] else ''}{body}]")
            at = bracket.end()
        elif pattern[at] == "\\" and at + 1 < len(pattern):
            pieces.append(f"[{pattern[at + 1]}]")
            at += 2
        else:
            pieces.append(pattern[at])
            at += 1
    return "".join(pieces)


def _path_test(paths: Sequence[str]) -> Test:
    """Test whether one of `paths` is the value or a folder above it; its parts may be globs."""
    plain: set[tuple[str, ...]] = set()
    globs: list[list[Callable[[str], object]]] = []
    for path in paths:
        parts = _parts(path)
        if re.search(_WILD, path):
            globs.append([_glob(part) for part in parts])
        else:
            plain.add(parts)
    depths = sorted({len(parts) for parts in plain})

    def test(value: str) -> bool:
        parts = _parts(value)
        if any(parts[:depth] in plain for depth in depths if depth <= len(parts)):
            return True
        return any(
            len(glob) <= len(parts) and all(map(_matches, glob, parts[: len(glob)]))
            for glob in globs
        )

    return test


def _parts(path: str) -> tuple[str, ...]:
    return tuple(filter(None, path.split("/")))


def _matches(match: Callable[[str], object], part: str) -> bool:
    return bool(match(part))


_FOLD: Final = re.IGNORECASE | re.ASCII
_WILD: Final = r"[?*\[]"
_CLASS: Final = r"\[:([a-z]+):\]"
_BRACKET: Final = r"\[([!^]?)(\]?(?:\[:[a-z]+:\]|[^\]])*)\]"
_TESTS: Final[dict[str, Callable[[Any], Test]]] = {
    "=": lambda operand: functools.partial(operator.eq, operand),
    "!=": lambda operand: functools.partial(operator.ne, operand),
    "<": lambda operand: functools.partial(operator.gt, operand),
    "<=": lambda operand: functools.partial(operator.ge, operand),
    ">": lambda operand: functools.partial(operator.lt, operand),
    ">=": lambda operand: functools.partial(operator.le, operand),
    "contains": lambda operand: lambda value: operand in value,
    "bcontains": lambda operand: lambda value: operand in value,
    "icontains": lambda operand: re.compile(re.escape(operand), _FOLD).search,
    "startswith": lambda operand: lambda value: value.startswith(operand),
    "bstartswith": lambda operand: lambda value: value.startswith(operand),
    "endswith": lambda operand: lambda value: value.endswith(operand),
    "glob": _glob,
    "iglob": lambda operand: _glob(operand, _FOLD),
}
