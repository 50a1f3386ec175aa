# SPDX-License-Identifier: Apache-2.0
"""Many conditions over many events: columns of values, and truths as bit masks.

A column has, for each distinct value of a field, an int with a bit for every event that has it. So
a test runs once for each distinct value and not for each event, and `and`, `or` and `not` are `&`,
`|` and `~` over thousands of events at once. Columns and the truths of clauses are kept for the
life of the batch: what two rules have in common is computed once.
"""

from __future__ import annotations

import bisect
import itertools
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from falcokit.filter.clauses import Clause, Source
    from falcokit.filter.tree import FieldRef

__all__ = ["UNKNOWN", "Batch", "Column", "Truth", "Unknown"]


class Unknown(Enum):
    """What stands for a value that only a real Falco can tell."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
#: Few events are less than one of two to the power of this.
_FEW: Final = 3


class Truth(NamedTuple):
    """For which events something is true, and for which it is unknown: a bit for each event.

    It is false for all others.
    """

    true: int
    unknown: int


@final
class Column:
    """The values of one field of the events of a batch, each event's and by value."""

    __slots__ = (
        "_below", "_joined", "_sorted", "_starts", "_values", "masks", "missing", "present", "rows",
        "unknown",
    )  # fmt: skip

    def __init__(self, rows: Sequence[Any]) -> None:
        """Take the value of each event: None where there is none, UNKNOWN where nobody knows."""
        self.rows: Final = rows
        found: dict[Any, list[int]] = {}
        for at, value in enumerate(rows):
            if value in found:
                found[value].append(at)
            else:
                found[value] = [at]
        size = len(rows) // 8 + 1
        masks = {value: _mask(places, size) for value, places in found.items()}
        self.missing: Final[int] = masks.pop(None, 0)
        self.unknown: Final[int] = masks.pop(UNKNOWN, 0)
        self.masks: Final = masks
        #: The events that have a value.
        self.present: Final[int] = ((1 << len(rows)) - 1) & ~(self.missing | self.unknown)
        self._sorted: list[Any] | None = None
        self._below: list[int] = []
        self._joined = ""
        self._starts: list[int] = []
        self._values: list[str] = []

    def select(self, test: Callable[[Any], object], needles: Iterable[str] | None = None) -> int:
        """Return the events whose value passes a test.

        With `needles`, of a column of texts, the values without any of them are known to fail.
        """
        chosen = 0
        if needles is None:
            for value, mask in self.masks.items():
                if test(value):
                    chosen |= mask
            return chosen
        for needle in needles:
            for value in self._holding(needle):
                if test(value):
                    chosen |= self.masks[value]
        return chosen

    def _holding(self, needle: str) -> Iterator[str]:
        """Yield the values in which a text is; one that begins or ends with NUL is at that end.

        All values are one text, with a NUL between them, and that is searched once.
        """
        if not self._starts:
            self._values = list(self.masks)
            self._joined = "\0".join(["", *self._values, ""])
            lengths = (len(value) + 1 for value in self._values)
            self._starts = list(itertools.accumulate(lengths, initial=0))
        joined, starts = self._joined, self._starts
        at = joined.find(needle)
        while at >= 0:
            index = bisect.bisect_right(starts, at) - 1
            yield self._values[index]
            at = joined.find(needle, starts[index + 1])

    def below(self, bound: Any, *, inclusive: bool) -> int:
        """Return the events whose value is less than `bound`, or equal to it if `inclusive`."""
        if self._sorted is None:
            self._sorted = sorted(self.masks)
            chosen = 0
            self._below = [0]
            for value in self._sorted:
                chosen |= self.masks[value]
                self._below.append(chosen)
        find = bisect.bisect_right if inclusive else bisect.bisect_left
        return self._below[find(self._sorted, bound)]


def _mask(places: list[int], size: int) -> int:
    if len(places) == 1:
        return 1 << places[0]
    bits = bytearray(size)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


@final
class Batch:
    """Some events of one source; their fields are read when a condition first asks for them."""

    __slots__ = ("_columns", "_read", "_truths", "every", "size")

    def __init__(self, size: int, read: Callable[[FieldRef], Sequence[Any]]) -> None:
        """`read` returns the value of a field for each of the `size` events.

        A value is as `falcokit.filter.types` says, None where the event has none, UNKNOWN where
        only a real Falco can tell. It is called once for each field.
        """
        self.size: Final = size
        self.every: Final = (1 << size) - 1
        self._read = read
        self._columns: dict[str, Column] = {}
        self._truths: dict[str, Truth] = {}

    def column(self, source: Source) -> Column:
        """Return the values of a field, or of a transformer over it."""
        found = self._columns.get(source.key)
        if found is None:
            found = self._columns[source.key] = Column(source.rows(self))
        return found

    def read(self, field: FieldRef, normal: Callable[[Any], Any] | None) -> Sequence[Any]:
        """Return the value of a field for each event, as the tests take it."""
        values = self._read(field)
        if len(values) != self.size:
            raise ValueError(f"{field.written}: {len(values)} values for {self.size} events")
        if normal is None:
            return values
        return [v if v is None or v is UNKNOWN else normal(v) for v in values]

    def truth(self, clause: Clause, within: int) -> Truth:
        """Return for which events a clause is true, of those `within` at least.

        A clause that has to look at each value looks at few events alone, and that is not kept.
        """
        found = self._truths.get(clause.key)
        if found is not None:
            return found
        if not clause.cheap and within.bit_count() < self.size >> _FEW:
            return clause.evaluate_rows(self, _rows_of(within))
        found = self._truths[clause.key] = clause.evaluate(self)
        return found


def _rows_of(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
