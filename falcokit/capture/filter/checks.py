# SPDX-License-Identifier: Apache-2.0
"""Compiles one comparison of a filter into a function of an event, and its needs of the header.

Many outcomes follow from the event's code alone; these are in a table made when the filter is
compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.fields import FieldFaultError, find_reader
from falcokit.capture.filter.needs import ANYTHING, EVERY_CODE, NOTHING, UNKNOWN_CODES, Region
from falcokit.capture.filter.ops import Kind, ValueFaultError, build_test
from falcokit.capture.filter.readers import MAX_TID, VARIES
from falcokit.capture.format.errors import FilterError, MalformedEventError
from falcokit.capture.format.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.capture.events.event import Event
    from falcokit.capture.filter.fields import Context
    from falcokit.capture.filter.grammar import Check, Value
    from falcokit.capture.filter.ops import Test
    from falcokit.capture.filter.readers import Reader

    Match: TypeAlias = Callable[[Event], object]

__all__ = ["Part", "compile_check"]


class Part(Record):
    """A compiled part: its function, the regions where it can be true and where it can be false.

    `cheap` parts read no parameter and come first in an `and` or `or`. For events of the codes in
    `sure`, a mask, it is true wherever `true` allows it.
    """

    match: Match
    true: Region
    false: Region
    sure: int
    cheap: bool


def compile_check(check: Check, text: str, context: Context) -> Part:
    """Compile a comparison; raise FilterError if it is meaningless."""
    try:
        reader = find_reader(check.field, check.argument, context)
    except FieldFaultError as e:
        raise FilterError(str(e), text, check.position) from None
    test = _test(check, reader, text)
    table = _by_code(reader, test)
    match = _matcher(reader, test)
    if reader.buffers and check.operator == "contains":
        match = _search(check.values[0], reader.buffers, match)
    settled = {code: found for code, found in table.items() if found is not None}
    true, false = _code_regions(reader, test, table)
    sure = sum(1 << code for code, found in settled.items() if found)
    if check.field in _BOUNDS:
        true = true & _BOUNDS[check.field](check)
        sure = EVERY_CODE if _is_bound(check) else 0
    return Part(
        match=_looked_up(settled, match) if settled else match,
        true=true,
        false=false,
        sure=sure,
        cheap=len(settled) == len(table) or check.field in _HEADER_FIELDS,
    )


def _test(check: Check, reader: Reader, text: str) -> Test:
    if check.operator == "exists":
        return build_test(Kind.TEXT, "exists", ())
    if not reader.kinds:
        reason = f"{check.field} has only the operator exists: it is an address or a list"
        raise FilterError(reason, text, check.operator_position)
    tests, faults = {}, []
    for kind in reader.kinds:
        try:
            tests[kind] = build_test(kind, check.operator, check.values)
        except ValueFaultError as e:
            at = e.value.position if e.value else check.operator_position
            faults.append(FilterError(f"{check.field}: {e.reason}", text, at))
    if not tests:
        raise faults[0]
    if not reader.mixed:
        return tests[reader.kinds[0]]
    from falcokit.capture.filter.args import by_class  # noqa: PLC0415 - loaded with the reader

    return by_class(tests)


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


def _is_bound(check: Check) -> bool:
    """Return whether a comparison of the header is exactly described by its region."""
    if len(check.values) != 1:
        return False
    if check.field == "evt.rawtime":
        return check.operator in {"=", "<", "<=", ">", ">=", "in"}
    return check.operator in {"=", "in"} and 0 <= _number(check.values[0]) <= MAX_TID


def _tid_region(check: Check) -> Region:
    if check.operator in {"=", "in", "intersects"}:
        return Region(tids=frozenset(_number(value) for value in check.values))
    return ANYTHING


def _time_region(check: Check) -> Region:
    """Return the bounds of the time for which a comparison holds; only events with a time match."""
    timed = Region(untimed=False)
    numbers = [_number(value) for value in check.values]
    if check.operator in {"exists", "!="}:
        return timed
    if not numbers:
        return NOTHING
    low, high = min(numbers), max(numbers)
    if check.operator in {"<", "<="}:
        return timed.replace(last_ns=high - (check.operator == "<"))
    if check.operator in {">", ">="}:
        return timed.replace(first_ns=low + (check.operator == ">"))
    return timed.replace(first_ns=low, last_ns=high)


def _number(value: Value) -> int:
    return int(value.text, 16 if value.text[:2] in {"0x", "0X"} else 10)


#: Fields by which a scan can skip events, and the regions that they define.
_BOUNDS: Final[dict[str, Callable[[Check], Region]]] = {
    "thread.tid": _tid_region,
    "evt.rawtime": _time_region,
}
_HEADER_FIELDS: Final = frozenset({"evt.num", "evt.cpu", "thread.tid", "evt.rawtime"})
