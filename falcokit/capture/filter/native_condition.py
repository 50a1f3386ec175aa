# SPDX-License-Identifier: Apache-2.0
"""Describes comparisons for the scan in C, which then decides on most events itself.

What C says of a number is computed here, with the test that Python has, for each range of numbers
in which it does not change; of texts and bytes C has the comparisons themselves. A comparison that
C does not have is unsure.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from falcokit.capture.filter.readers import VARIES
from falcokit.capture.native.condition import LEAST, MOST, NativeClause, NativeTest
from falcokit.filter.types import FieldType, ValueFaultError, check_operator, parse_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from falcokit.capture.filter.readers import Reader, Stored
    from falcokit.filter.clauses import Clause
    from falcokit.filter.operators import Test

__all__ = ["native_clause"]

#: An operator, with what C has for it and whether the result is negated.
_TEXTS: Final = {
    "=": ("FK_EQUAL", False),
    "!=": ("FK_EQUAL", True),
    "in": ("FK_EQUAL", False),
    "intersects": ("FK_EQUAL", False),
    "<": ("FK_LESS", False),
    "<=": ("FK_LESS_OR_EQUAL", False),
    ">": ("FK_LESS_OR_EQUAL", True),
    ">=": ("FK_LESS", True),
    "contains": ("FK_CONTAINS", False),
    "icontains": ("FK_CONTAINS_CASELESS", False),
    "startswith": ("FK_STARTS", False),
    "endswith": ("FK_ENDS", False),
    "pmatch": ("FK_BELOW", False),
}
_BYTES: Final = {
    **{word: _TEXTS[word] for word in ("=", "!=", "in", "intersects")},
    **{word: _TEXTS[word] for word in ("contains", "startswith", "endswith")},
    "bcontains": ("FK_CONTAINS", False),
    "bstartswith": ("FK_STARTS", False),
}
_MANY: Final = {"": "FK_ANY", "anyof": "FK_ANY", "allof": "FK_ALL", "oneof": "FK_ONE"}
#: Not one but all must fail, if one must not hold; and the other way round.
_OPPOSITE: Final = {"FK_ANY": "FK_ALL", "FK_ALL": "FK_ANY"}
_UNDOTTED: Final = {
    "FK_EQUAL", "FK_CONTAINS", "FK_CONTAINS_CASELESS", "FK_STARTS", "FK_ENDS",
}  # fmt: skip
#: Operators that find the values that they name, and tell nothing else of them.
_EQUALITY: Final = {"=", "!=", "in", "intersects", "exists"}
_WILDCARDS: Final = frozenset(b"?*[")


def native_clause(
    clause: Clause,
    reader: Reader,
    test: Test,
    table: Mapping[int, bool | None],
    shown: Callable[[Any], Any],
) -> NativeClause:
    """Describe a comparison with constants.

    `table` is its outcome by event code, None where the code does not decide; `shown` makes an
    operand as texts of captures are.
    """
    stored = reader.stored
    read = "FK_UNSURE" if stored is None else "FK_READ"
    codes = {code: read if found is None else _truth(found) for code, found in table.items()}
    if stored is None:
        return NativeClause(source="FK_FROM_CODE", codes=codes)
    text = _text_test(clause, shown)
    data = _test(clause, FieldType.BYTEBUF, _BYTES, bytes)
    unsure = {code for code in codes if _is_unsure(stored, code, text, data)}
    return NativeClause(
        source=stored.source,
        codes=codes | {code: "FK_UNSURE" for code in unsure if codes[code] == "FK_READ"},
        positions=stored.positions,
        kinds=stored.kinds,
        mask=stored.mask,
        steps=_steps(clause, stored, test),
        text=text or NativeTest(),
        data=data or NativeTest(),
    )


def _is_unsure(stored: Stored, code: int, text: NativeTest | None, data: NativeTest | None) -> bool:
    """Return whether C has no test for what the events of a code have."""
    if stored.source in {"FK_FROM_TEXT", "FK_FROM_ALL"}:
        return text is None
    if stored.source == "FK_FROM_BUFFER":
        return data is None
    if stored.source == "FK_FROM_NAME":
        return text is None and code not in stored.numbered
    kind = stored.kinds.get(code)
    return (kind == "FK_STRING" and text is None) or (kind == "FK_BYTES" and data is None)


def _truth(found: object) -> str:
    return "FK_TRUE" if found else "FK_FALSE"


# ---- numbers ------------------------------------------------------------------------------------


def _steps(clause: Clause, stored: Stored, test: Test) -> tuple[tuple[int, str], ...]:
    """Return what is said of numbers, each step being the first number of a range."""
    if stored.convert is None:
        return ()
    starts = {LEAST}
    for point in {*_numbers(clause), *stored.points}:
        starts.update(n for n in (point, point + 1) if LEAST <= n <= MOST)
    steps: list[tuple[int, str]] = []
    for start in sorted(starts):
        says = _outcome(clause, stored, test, start)
        if not steps or steps[-1][1] != says:
            steps.append((start, says))
    return tuple(steps)


def _outcome(clause: Clause, stored: Stored, test: Test, number: int) -> str:
    assert stored.convert is not None  # noqa: S101 - the caller has looked
    found = stored.convert(number)
    if found is None:
        return "FK_FALSE"
    differs = stored.known is not None and number not in stored.known
    if found is VARIES or (differs and clause.check.operator not in _EQUALITY):
        return "FK_UNSURE"
    return _truth(test(found))


def _numbers(clause: Clause) -> Iterator[int]:
    """Yield the numbers that a comparison names, by whichever type its constants are read."""
    yield from (int(one) for one in clause.operands if isinstance(one, int))
    for value in clause.check.values:
        with contextlib.suppress(ValueFaultError):
            yield int(parse_value(FieldType.INT64, "=", value.data))


# ---- texts and bytes ----------------------------------------------------------------------------


def _text_test(clause: Clause, shown: Callable[[Any], Any]) -> NativeTest | None:
    def encoded(operand: str) -> bytes:
        found: bytes = shown(operand).encode()
        return found

    test = _test(clause, FieldType.CHARBUF, _TEXTS, encoded)
    if test is None or test.compares is None:
        return test
    operands = test.operands
    if test.compares == "FK_BELOW" and any(_WILDCARDS.intersection(one) for one in operands):
        return None
    if test.compares == "FK_CONTAINS_CASELESS":
        test = test.replace(operands=tuple(one.lower() for one in operands))
    plain = all(
        b"." not in one and one.isascii() and one.decode().isprintable() for one in operands
    )
    return test.replace(undotted=plain and test.compares in _UNDOTTED)


def _test(
    clause: Clause,
    field_type: FieldType,
    has: Mapping[str, tuple[str, bool]],
    encode: Callable[[Any], bytes],
) -> NativeTest | None:
    """Return the test of values of a type, or None if C has none."""
    operator = clause.check.operator
    if operator == "exists":
        return NativeTest(constant=True)
    word, _, modifier = operator.partition(" ")
    try:
        check_operator(operator, field_type, is_list=False)
        read = [parse_value(field_type, operator, one.data) for one in clause.check.values]
    except ValueFaultError:
        return NativeTest()  # such values never pass
    compares, inverted = has.get(word, ("", False))
    many = _MANY[modifier]
    if inverted and modifier:
        many = _OPPOSITE.get(many, "")
    operands = tuple(map(encode, read))
    if not (compares and many) or (modifier and (not operands or word == "pmatch")):
        return None
    return NativeTest(compares=compares, operands=operands, many=many, inverted=inverted)
