# SPDX-License-Identifier: Apache-2.0
"""What the operators mean: a test of one value, or of two where the right-hand side is a field.

Text is compared as Falco's C does it: byte by byte, up to a NUL byte, with the case of ASCII
letters alone where case does not count.
"""

from __future__ import annotations

import functools
import operator as py
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.filter.types import (
    Family,
    FieldType,
    Network,
    ValueFaultError,
    family_of,
    packed_address,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Test", "build_pair_test", "build_test", "cut", "needles_of", "normalizer"]

#: Returns something true when a value, never None, passes. Texts are without NUL bytes: see `cut`.
Test: TypeAlias = "Callable[[Any], object]"
_NETWORKS: Final = {FieldType.IPNET, FieldType.IPV4NET, FieldType.IPV6NET}


def build_test(
    field_type: FieldType, operator: str, operands: Sequence[Any], *, is_list: bool = False
) -> Test:
    """Return the test of an operator with constants that `parse_value` made.

    The type has the operator: see `check_operator`. Raises ValueFaultError for a regular expression
    that RE2 refuses.
    """
    if operator == "exists":
        return _always
    word, _, modifier = operator.partition(" ")
    if modifier:
        return _modified(modifier, [build_test(field_type, word, [one]) for one in operands])
    if word in {"in", "intersects"}:
        return _membership(field_type, word, operands, is_list=is_list)
    if word == "pmatch":
        return _below([_encoded(one) for one in operands])
    (operand,) = operands
    if isinstance(operand, Network):
        return _network_test(word, operand)
    return (_TEXT if family_of(field_type) is Family.TEXT else _PLAIN)[word](operand)


def build_pair_test(
    field_type: FieldType, operator: str, *, is_list: bool = False
) -> Callable[[Any, Any], bool]:
    """Return the test of two values of one type; raise ValueFaultError where Falco has none."""
    if operator in {"pmatch", "regex"}:
        raise ValueFaultError(f"'{operator}' does not compare with a field")
    if field_type in _NETWORKS:
        raise ValueFaultError("a network does not compare with a field")
    if is_list:
        some = any if operator == "intersects" else all
        return lambda left, right: some(one in right for one in left)
    if operator in {"in", "intersects"}:
        return py.eq
    cached = functools.lru_cache(maxsize=256)(
        lambda right: build_test(field_type, operator, [right])
    )
    return lambda left, right: bool(cached(right)(left))


def normalizer(field_type: FieldType, *, is_list: bool = False) -> Callable[[Any], Any] | None:
    """Return what makes a value, never None, into one that the tests take: None where all are.

    Such values are hashable, addresses are bytes. A value that is none becomes None, as does an
    empty list: that is a field which the event lacks.
    """
    of_one = _NORMAL.get(family_of(field_type))
    return functools.partial(_normal_list, of_one) if is_list else of_one


def _normal_list(of_one: Callable[[Any], Any] | None, values: Sequence[Any]) -> Any:
    found = values if of_one is None else map(of_one, values)
    return tuple(value for value in found if value is not None) or None


def _normal_text(value: str | bytes) -> str:
    return cut(value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value)


def _normal_address(value: str | bytes) -> bytes | None:
    return packed_address(value) if isinstance(value, str) else bytes(value)


_NORMAL: Final[dict[Family, Callable[[Any], Any]]] = {
    Family.TEXT: _normal_text,
    Family.ADDRESS: _normal_address,
    Family.BYTES: bytes,
}


def _always(_: Any) -> bool:
    return True


def _modified(modifier: str, tests: list[Test]) -> Test:
    if modifier == "oneof":
        return lambda value: sum(map(bool, (test(value) for test in tests))) == 1
    if modifier == "anyof":
        return lambda value: any(test(value) for test in tests)
    return lambda value: bool(tests) and all(test(value) for test in tests)


def _membership(
    field_type: FieldType, word: str, operands: Sequence[Any], *, is_list: bool
) -> Test:
    member: Test
    if field_type in _NETWORKS:
        member = functools.partial(_in_one, operands)
    else:
        member = frozenset(operands).__contains__

    if not is_list:
        return member
    some = all if word == "in" else any
    return lambda values: some(map(member, values))


def _in_one(networks: Sequence[Network], address: bytes) -> bool:
    return any(address in network for network in networks)


def _network_test(word: str, network: Network) -> Test:
    if word == "!=":
        return lambda value: value not in network
    return lambda value: value in network


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def cut(text: str) -> str:
    """Return what C sees of a text: it ends at the first NUL byte, which b64() can make."""
    return text.partition("\0")[0] if "\0" in text else text


def _of_bytes(test: Callable[[bytes], bool]) -> Test:
    return lambda value: test(_encoded(value))


def _caseless(operand: str) -> Test:
    return re.compile(re.escape(operand), re.IGNORECASE | re.ASCII).search


def _glob(operand: str, *, fold: bool = False) -> Test:
    from falcokit.filter.globs import compile_glob  # noqa: PLC0415 - only for a pattern

    return _of_bytes(compile_glob(_encoded(operand), fold=fold))


def _regex(operand: str) -> Test:
    from falcokit.filter.regexes import compile_regex  # noqa: PLC0415 - only for an expression

    return compile_regex(operand)


def _below(paths: list[bytes]) -> Test:
    """Return a test for a path at or below one of `paths`, whose parts may be patterns."""
    from falcokit.filter.globs import compile_glob  # noqa: PLC0415 - only for a pattern

    plain: set[tuple[bytes, ...]] = set()
    patterns: list[list[Callable[[bytes], bool]]] = []
    for path in paths:
        parts = _parts(path)
        if any(set(b"?*[") & set(part) for part in parts):
            # Falco takes only parts with a wildcard for patterns.
            patterns.append(
                [compile_glob(part) if set(b"?*[") & set(part) else part.__eq__ for part in parts]
            )
        else:
            plain.add(parts)
    sizes = sorted({len(parts) for parts in plain})

    def below(value: str) -> bool:
        parts = _parts(_encoded(value))
        if any(parts[:size] in plain for size in sizes):
            return True
        return any(
            len(pattern) <= len(parts)
            and all(fits(part) for fits, part in zip(pattern, parts, strict=False))
            for pattern in patterns
        )

    return below


def needles_of(operator: str, operands: Sequence[str]) -> tuple[str, ...] | None:
    """Return texts of which each text that passes an operator has one, None where there are none.

    NUL stands for the beginning or the end of the text.
    """
    if any("\0" in operand for operand in operands):
        return None
    if operator == "pmatch":
        parts = [[part for part in path.split("/") if part] for path in operands]
        plain = [max(filter(_is_plain, each), key=len, default="") for each in parts]
        return tuple(plain) if all(plain) else None
    if len(operands) != 1 or not operands[0]:
        return None
    if operator == "glob":
        if not set("[\\").isdisjoint(operands[0]):
            return None
        literal = max(re.split(r"[*?]+", operands[0]), key=len)
        return (literal,) if literal else None
    form = {"contains": "{}", "startswith": "\0{}", "endswith": "{}\0"}.get(operator)
    return None if form is None else (form.format(operands[0]),)


def _is_plain(part: str) -> bool:
    return set("?*[\\").isdisjoint(part)


def _parts(path: bytes) -> tuple[bytes, ...]:
    return tuple(filter(None, path.split(b"/")))


def _ordered(compare: Callable[[bytes, bytes], bool]) -> Callable[[str], Test]:
    def make(operand: str) -> Test:
        bound = _encoded(operand)
        return _of_bytes(lambda value: compare(value, bound))

    return make


_PLAIN: Final[dict[str, Callable[[Any], Test]]] = {
    "=": lambda operand: functools.partial(py.eq, operand),
    "!=": lambda operand: functools.partial(py.ne, operand),
    "<": lambda operand: functools.partial(py.gt, operand),
    "<=": lambda operand: functools.partial(py.ge, operand),
    ">": lambda operand: functools.partial(py.lt, operand),
    ">=": lambda operand: functools.partial(py.le, operand),
    "contains": lambda operand: lambda value: operand in value,
    "bcontains": lambda operand: lambda value: operand in value,
    "startswith": lambda operand: lambda value: value.startswith(operand),
    "bstartswith": lambda operand: lambda value: value.startswith(operand),
    "endswith": lambda operand: lambda value: value.endswith(operand),
}
_TEXT: Final[dict[str, Callable[[str], Test]]] = {
    **{word: _PLAIN[word] for word in ("=", "!=", "contains", "startswith", "endswith")},
    **{
        word: _ordered(compare)
        for word, compare in {"<": py.lt, "<=": py.le, ">": py.gt, ">=": py.ge}.items()
    },
    "icontains": _caseless,
    "glob": _glob,
    "iglob": lambda operand: _glob(operand, fold=True),
    "regex": _regex,
}
