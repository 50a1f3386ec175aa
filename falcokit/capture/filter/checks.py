# SPDX-License-Identifier: Apache-2.0
"""Compiles one comparison of a filter into a function of an event, and its needs of the header.

Many outcomes follow from the event's code alone; these are in a table made when the filter is
compiled.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.needs import ANYTHING, EVERY_CODE, NOTHING, UNKNOWN_CODES, Region
from falcokit.capture.filter.operands import reader_of
from falcokit.capture.filter.readers import MAX_TID, VARIES
from falcokit.capture.format.errors import MalformedEventError
from falcokit.filter.operators import build_test
from falcokit.filter.types import (
    Family,
    FieldType,
    ValueFaultError,
    check_operator,
    family_of,
    parse_value,
)
from falcokit.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.fields import CaptureFields
    from falcokit.capture.filter.readers import Reader
    from falcokit.capture.native.condition import NativeNode
    from falcokit.filter.clauses import Clause
    from falcokit.filter.operators import Test
    from falcokit.filter.tree import Value

    Match: TypeAlias = Callable[[Event], object]

__all__ = ["Part", "compile_clause"]


class Part(Record):
    """A compiled part: its function, the regions where it can be true and where it can be false.

    `cheap` parts read no parameter and come first in an `and` or `or`. For events of the codes in
    `sure`, a mask, it is true wherever `true` allows it. `native` describes it for C; so many
    `clauses` are in it, and parts in parts to that `depth`.
    """

    match: Match
    true: Region
    false: Region
    sure: int
    cheap: bool
    native: Callable[[], NativeNode]
    clauses: int = 1
    depth: int = 1


def compile_clause(clause: Clause, fields: CaptureFields) -> Part:
    """Compile a comparison, whose fields are known to exist and to have its operator."""
    reader = reader_of(clause.left, fields)
    if clause.right is not None:
        return _compare_fields(clause, reader, reader_of(clause.right, fields))
    test = _test(clause, reader)
    table = _by_code(reader, test)
    match = _matcher(reader, test)
    if reader.buffers and clause.check.operator == "contains":
        match = _search(clause.check.values[0], reader.buffers, match)
    settled = {code: found for code, found in table.items() if found is not None}
    true, false = _code_regions(reader, test, table)
    sure = sum(1 << code for code, found in settled.items() if found)
    field = clause.left.key
    if field in _BOUNDS:
        true = true & _BOUNDS[field](clause)
        sure = EVERY_CODE if _is_bound(clause) else 0
    return Part(
        match=_looked_up(settled, match) if settled else match,
        true=true,
        false=false,
        sure=sure,
        cheap=len(settled) == len(table) or field in _HEADER_FIELDS,
        native=functools.partial(_described, clause, reader, test, table),
    )


def _described(
    clause: Clause, reader: Reader, test: Test, table: dict[int, bool | None]
) -> NativeNode:
    from falcokit.capture.filter.native_condition import native_clause  # noqa: PLC0415 - for large files

    return native_clause(clause, reader, test, table, _as_shown)


def _test(clause: Clause, reader: Reader) -> Test:
    operands = [_as_shown(operand) for operand in clause.operands]
    test = clause.build_test(operands)
    return _by_class(clause, test) if reader.mixed and clause.check.operator != "exists" else test


def _as_shown(operand: Any) -> Any:
    """Return a constant with the escapes that texts of captures have where they are not UTF-8."""
    if not isinstance(operand, str) or operand.isascii():
        return operand
    return operand.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


#: Python's types of values, and the type of fields by which each is compared.
_OTHERS: Final = {int: FieldType.INT64, str: FieldType.CHARBUF, bytes: FieldType.BYTEBUF}
_CLASSES: Final = {Family.NUMBER: int, Family.TEXT: str, Family.BYTES: bytes}


def _by_class(clause: Clause, test: Test) -> Test:
    """Combine tests for values of several types: events differ in that of one parameter."""
    tests = {_CLASSES[family_of(clause.left.type)]: test}
    check = clause.check
    for cls, field_type in _OTHERS.items():
        if cls in tests or (cls is int and check.operator in {"in", "intersects"}):
            continue  # of numbers, see Field.raw
        with contextlib.suppress(ValueFaultError):
            check_operator(check.operator, field_type, is_list=False)
            operands = [parse_value(field_type, check.operator, one.data) for one in check.values]
            tests[cls] = build_test(field_type, check.operator, list(map(_as_shown, operands)))

    def chosen(found: Any) -> object:
        test = tests.get(type(found))
        return test is not None and found != b"" and test(found)  # see Field.raw

    return chosen


def _compare_fields(clause: Clause, left: Reader, right: Reader) -> Part:
    get, other, test = left.get, right.get, clause.pair_test

    def match(event: Event) -> object:
        try:
            one, two = get(event), other(event)
        except MalformedEventError:
            return False
        return one is not None and two is not None and test(one, two)

    lacking = 0
    for entry in event_table().events:
        if left.by_code(entry) is None or right.by_code(entry) is None:
            lacking |= 1 << entry.id
    return Part(
        match=match,
        true=Region(codes=EVERY_CODE & ~lacking),
        false=ANYTHING,
        sure=0,
        cheap=False,
        native=functools.partial(_left_to_python, lacking),
    )


def _left_to_python(lacking: int) -> NativeNode:
    from falcokit.capture.native.condition import NativeClause  # noqa: PLC0415 - as above

    known = range(len(event_table().events))
    codes = {code: "FK_FALSE" for code in known if lacking >> code & 1}
    return NativeClause(source="FK_FROM_CODE", codes=codes)


def _matcher(reader: Reader, test: Test) -> Match:
    get = reader.get

    def match(event: Event) -> object:
        try:
            found = get(event)
        except MalformedEventError:
            return False
        return found is not None and test(found)

    return match


def _search(needle: Value, buffers: dict[int, int], match: Match) -> Match:
    """Search for printed text directly in a buffer's bytes, if that is equivalent."""
    wanted = needle.data
    if not wanted or b"." in wanted or not (wanted.isascii() and needle.text.isprintable()):
        return match  # a dot stands for any byte that is not printable

    def search(event: Event) -> object:
        at = buffers.get(event.code)
        if at is None:
            return match(event)
        try:
            params = event.params
        except MalformedEventError:
            return False
        if at < len(params) and params[at]:
            return wanted in params[at]
        return match(event)

    return search


def _looked_up(settled: dict[int, bool], match: Match) -> Match:
    def look_up(event: Event) -> object:
        known = settled.get(event.code)
        return match(event) if known is None else known

    return look_up


def _by_code(reader: Reader, test: Test) -> dict[int, bool | None]:
    """Return the outcome for each code of the table; None if the code does not decide it."""
    table: dict[int, bool | None] = {}
    for entry in event_table().events:
        found = reader.by_code(entry)
        if isinstance(found, frozenset):
            outcomes = {bool(test(value)) for value in found}
            table[entry.id] = outcomes.pop() if len(outcomes) == 1 else None
        else:
            table[entry.id] = None if found is VARIES else found is not None and bool(test(found))
    return table


def _code_regions(
    reader: Reader, test: Test, table: dict[int, bool | None]
) -> tuple[Region, Region]:
    true = sum(1 << code for code, found in table.items() if found is not False)
    false = sum(1 << code for code, found in table.items() if found is not True)
    beyond = reader.by_code(None)
    varies = beyond is VARIES
    passes = not varies and beyond is not None and bool(test(beyond))
    return (
        Region(codes=true | (UNKNOWN_CODES if varies or passes else 0)),
        Region(codes=false | (UNKNOWN_CODES if varies or not passes else 0)),
    )


def _is_bound(clause: Clause) -> bool:
    """Return whether a comparison of the header is exactly described by its region."""
    operator = clause.check.operator
    if len(clause.operands) != 1:
        return False
    if clause.left.key == "evt.rawtime":
        return operator in {"=", "<", "<=", ">", ">=", "in"}
    return operator in {"=", "in"} and 0 <= clause.operands[0] <= MAX_TID


def _tid_region(clause: Clause) -> Region:
    if clause.check.operator in {"=", "in", "intersects"}:
        return Region(tids=frozenset(clause.operands))
    return ANYTHING


def _time_region(clause: Clause) -> Region:
    """Return the bounds of the time for which a comparison holds; only events with a time match."""
    operator, numbers = clause.check.operator, clause.operands
    timed = Region(untimed=False)
    if operator in {"exists", "!="} or " " in operator:
        return timed
    if not numbers:
        return NOTHING
    low, high = min(numbers), max(numbers)
    if operator in {"<", "<="}:
        return timed.replace(last_ns=high - (operator == "<"))
    if operator in {">", ">="}:
        return timed.replace(first_ns=low + (operator == ">"))
    return timed.replace(first_ns=low, last_ns=high)


#: Fields by which a scan can skip events, and the regions that they define.
_BOUNDS: Final[dict[str, Callable[[Clause], Region]]] = {
    "thread.tid": _tid_region,
    "evt.rawtime": _time_region,
}
_HEADER_FIELDS: Final = frozenset({"evt.num", "evt.cpu", "thread.tid", "evt.rawtime"})
