# SPDX-License-Identifier: Apache-2.0
"""One comparison, compiled: where its sides come from, and for which events of a batch it holds."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, Protocol, final

from falcokit.filter import transformers
from falcokit.filter.batch import UNKNOWN, Truth
from falcokit.filter.operators import build_pair_test, build_test, cut, needles_of, normalizer
from falcokit.filter.types import Family, FieldType, Network, family_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from falcokit.filter.batch import Batch, Column
    from falcokit.filter.fields import FieldSpec
    from falcokit.filter.operators import Test
    from falcokit.filter.tree import Check, FieldRef

__all__ = ["Clause", "Constant", "Field", "Items", "Several", "Source", "Transformer"]

#: Operators that see what is behind a NUL byte, other than at the end.
_WHOLE: Final = {"in", "intersects", "pmatch", "regex"}
_ORDER: Final = {"<": (False, False), "<=": (True, False), ">": (True, True), ">=": (False, True)}


class Source(Protocol):
    """Where the values of one side of a clause come from; equal sources have equal keys."""

    key: str
    type: FieldType
    is_list: bool
    #: Whether a text can have NUL bytes, which b64() makes.
    has_nul: bool

    def rows(self, batch: Batch) -> Sequence[Any]:
        """Return the value for each event: None where there is none, or UNKNOWN."""
        ...


@final
class Field:
    """A field of the event."""

    def __init__(self, field: FieldRef, spec: FieldSpec) -> None:
        self.field: Final = field
        self.key = field.written
        self.type = spec.type
        self.is_list = spec.is_list
        self.has_nul = False
        #: Whether Falco loses the value when it reads another field before it has used this one.
        self.borrowed: Final = spec.borrowed and family_of(spec.type) is Family.TEXT
        #: Falco finds its numbers in no list, lacks constants of some types, and to its conditions,
        #: though not to its outputs, an empty one does not exist.
        self.raw: Final = spec.raw

    def rows(self, batch: Batch) -> Sequence[Any]:
        """Return the value for each event."""
        return batch.read(self.field, normalizer(self.type, is_list=self.is_list))


@final
class Constant:
    """A text among the arguments of a transformer."""

    type = FieldType.CHARBUF
    is_list = False
    has_nul = False

    def __init__(self, key: str, text: str) -> None:
        self.key = key
        self.text: Final = text

    def rows(self, batch: Batch) -> Sequence[Any]:
        """Return the value for each event."""
        return [self.text] * batch.size


@final
class Items:
    """A list among the arguments of a transformer; lists in it lose their parentheses."""

    type = FieldType.CHARBUF
    is_list = True

    def __init__(self, key: str, items: Sequence[Source]) -> None:
        self.key = key
        self.items: Final = items
        self.has_nul = any(item.has_nul for item in items)
        #: See `_overwritten`.
        self.overwritten: Final = _overwritten(items)

    def rows(self, batch: Batch) -> Sequence[Any]:
        """Return the value for each event."""
        if not self.items:
            return [()] * batch.size
        columns = [batch.column(item).rows for item in self.items]
        rows = [self.apply(values) for values in zip(*columns, strict=True)]
        return _lost(rows) if self.overwritten else rows

    def apply(self, values: Sequence[Any]) -> Any:
        """Return the list for the values of the items."""
        return _unless_missing(_flat, values)


def _unless_missing(apply: Callable[[Sequence[Any]], Any], values: Sequence[Any]) -> Any:
    if None in values:
        return None
    return UNKNOWN if UNKNOWN in values else apply(values)


def _flat(values: Sequence[Any]) -> tuple[str, ...]:
    return tuple(
        str(item) for value in values for item in (value if isinstance(value, tuple) else (value,))
    )


@final
class Transformer:
    """A transformer over one operand."""

    def __init__(self, key: str, name: str, operand: Source) -> None:
        self.key = key
        taken = operand.type, operand.is_list
        self.type, self.is_list = transformers.type_of_one(name, taken, operand.key)
        self.operand: Final = operand
        self.has_nul = name == "b64" or operand.has_nul
        self.apply: Final = transformers.apply_to_one(name, taken)

    def rows(self, batch: Batch) -> Sequence[Any]:
        """Return the value for each event."""
        column = batch.column(self.operand)
        results = {value: self.apply(value) for value in column.masks}
        results[None] = None
        results[UNKNOWN] = UNKNOWN
        return [results[value] for value in column.rows]


@final
class Several:
    """A transformer over several operands: `join`, `concat`, `getopt`."""

    def __init__(
        self, key: str, name: str, operands: Sequence[Source], argument: str | None
    ) -> None:
        self.key = key
        taken = [(operand.type, operand.is_list) for operand in operands]
        self.type, self.is_list = transformers.type_of_several(name, taken, argument)
        self.operands: Final = operands
        self.has_nul = any(operand.has_nul for operand in operands)
        self._apply: Final = transformers.apply_to_several(name, argument)
        # Falco copies the texts of concat() and the options of getopt() one by one.
        self.overwritten: Final = name == "join" and _overwritten(operands)

    def rows(self, batch: Batch) -> Sequence[Any]:
        """Return the value for each event."""
        columns = [batch.column(operand).rows for operand in self.operands]
        rows = [self.apply(values) for values in zip(*columns, strict=True)]
        return _lost(rows) if self.overwritten else rows

    def apply(self, values: Sequence[Any]) -> Any:
        """Return the result for the values of the operands."""
        return _unless_missing(self._apply, values)


def _overwritten(sources: Sequence[Source]) -> bool:
    """Return whether Falco reads a plugin's text when that of another field is in its place.

    What it then sees, nobody knows: 0.45 finds nothing with `join("-", (g.s, g.t))`.
    """
    borrowed = [isinstance(source, Field) and source.borrowed for source in sources]
    return any(borrowed[:-1]) and isinstance(sources[-1], Field | Items)


def _lost(rows: list[Any]) -> list[Any]:
    return [None if value is None else UNKNOWN for value in rows]


def _trimmed(text: str) -> str:
    return text.rstrip("\0")


def _never(_: Any) -> bool:
    return False


def _not_empty(value: Any) -> bool:
    return bool(value != b"")


@final
class Clause:
    """A check that fits its fields; equal clauses have equal keys."""

    def __init__(
        self, key: str, check: Check, left: Source, operands: Sequence[Any], right: Source | None
    ) -> None:
        """Raise ValueFaultError where the operator takes no such operand."""
        self.key: Final = key
        self.check: Final = check
        self.left: Final = left
        self.right: Final = right
        self.operands: Final = operands
        self._operator: Final = check.operator
        self._family: Final = family_of(left.type, is_list=left.is_list)
        if right is None:
            self.test: Final = self.build_test(operands)
        else:
            self.pair_test: Final = self._build_pair_test(right)

    def build_test(self, operands: Sequence[Any]) -> Test:
        """Return the test of a value of the left side; or raise ValueFaultError."""
        left = self.left
        if self._raw and self._operator == "exists":
            return _not_empty
        if self._finds_nothing:
            return _never
        test = build_test(left.type, self._operator, operands, is_list=left.is_list)
        if not left.has_nul or self._family is not Family.TEXT:
            return test
        clean = _trimmed if self._operator.partition(" ")[0] in _WHOLE else cut
        return lambda value: test(clean(value))

    @property
    def _raw(self) -> bool:
        return isinstance(self.left, Field) and self.left.raw

    @property
    def _finds_nothing(self) -> bool:
        listed = self._operator in {"in", "intersects"}
        return listed and self._raw and self._family is Family.NUMBER

    def _build_pair_test(self, right: Source) -> Callable[[Any, Any], bool]:
        left = self.left
        test = build_pair_test(left.type, self._operator, is_list=left.is_list)
        if self._family is not Family.TEXT:
            return test
        if self._operator in _WHOLE:
            # A transformed text on the right keeps its terminator in Falco, so that it is never in.
            never = isinstance(right, Transformer)
            return lambda one, other: not never and test(_trimmed(one), other)
        return lambda one, other: test(cut(one), cut(other))

    def evaluate(self, batch: Batch) -> Truth:
        """Return for which events of a batch it is true; the batch keeps what was found."""
        column = batch.column(self.left)
        if self.right is not None:
            return self._compare(column, batch.column(self.right))
        return Truth(self._select(column), column.unknown)

    def evaluate_rows(self, batch: Batch, rows: Iterable[int]) -> Truth:
        """Return for which of some events it is true."""
        left = batch.column(self.left).rows
        right = left if self.right is None else batch.column(self.right).rows
        true = unknown = 0
        for row in rows:
            pair = left[row], right[row]
            if None in pair:
                continue
            if UNKNOWN in pair:
                unknown |= 1 << row
            elif self.test(pair[0]) if self.right is None else self.pair_test(*pair):
                true |= 1 << row
        return Truth(true, unknown)

    def _select(self, column: Column) -> int:
        operator = self._operator
        if operator == "exists" and not self._raw:
            return column.present
        if self._can_look_up:
            chosen = 0
            for operand in set(self.operands):
                chosen |= column.masks.get(operand, 0)
            return column.present & ~chosen if operator == "!=" else chosen
        if operator in _ORDER and self._family is Family.NUMBER:
            inclusive, inverted = _ORDER[operator]
            below = column.below(self.operands[0], inclusive=inclusive)
            return column.present & ~below if inverted else below
        return column.select(self.test, self._needles)

    @functools.cached_property
    def _needles(self) -> tuple[str, ...] | None:
        """Texts of which a value that passes has one; None where that is not known."""
        if self._family is not Family.TEXT or self.left.has_nul or self.right is not None:
            return None
        return needles_of(self._operator, self.operands)

    @functools.cached_property
    def cheap(self) -> bool:
        """Whether a batch answers without looking at each value."""
        if self.right is not None:
            return False
        ordered = self._operator in _ORDER and self._family is Family.NUMBER
        return self._operator == "exists" or self._can_look_up or ordered

    @functools.cached_property
    def _can_look_up(self) -> bool:
        if self._operator not in {"=", "!=", "in", "intersects"} or self._family is Family.LIST:
            return False
        if self._finds_nothing:
            return False
        return not self.left.has_nul and not any(isinstance(o, Network) for o in self.operands)

    def _compare(self, left: Column, right: Column) -> Truth:
        test = self.pair_test
        true = unknown = 0
        known: dict[tuple[Any, Any], bool] = {}
        for at, pair in enumerate(zip(left.rows, right.rows, strict=True)):
            if None in pair:
                continue
            if UNKNOWN in pair:
                unknown |= 1 << at
                continue
            passes = known.get(pair)
            if passes is None:
                passes = known[pair] = test(*pair)
            if passes:
                true |= 1 << at
        return Truth(true, unknown)
