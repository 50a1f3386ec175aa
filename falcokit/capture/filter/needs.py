# SPDX-License-Identifier: Apache-2.0
"""Conditions on an event's header that a filter implies, so that a scan can skip most events.

A `Region` is a box of codes, threads and times that contains all events for which a condition is
true, and possibly others. A comparison has one for being true and one for being false; `and`, `or`
and `not` combine them. `Needs` is the part of the result that a fast scan uses.
"""

from __future__ import annotations

from typing import Final

from falcokit.record import Record

__all__ = ["ANYTHING", "EVERY_CODE", "NOTHING", "UNKNOWN_CODES", "Needs", "Region", "codes_of"]

#: Codes are bits; this one stands for all that the event table does not have.
UNKNOWN_CODES: Final = 1 << 65536
EVERY_CODE: Final = (1 << 65537) - 1
_LAST_NS: Final = 2**64 - 2


class Needs(Record):
    """A prefilter. An event that it does not admit cannot match; one that it admits may.

    `codes` and `tids` (-1: no thread) are None where any will do. An event of a code in `sure`
    certainly matches when it is admitted. Bounds of the time are in
    nanoseconds and inclusive; with either set, an event without a time is not admitted.
    """

    codes: frozenset[int] | None = None
    sure: frozenset[int] = frozenset()
    tids: frozenset[int] | None = None
    first_ns: int | None = None
    last_ns: int | None = None

    def admits(self, code: int, tid: int | None, ts_ns: int | None) -> bool:
        """Return whether an event may match, by its header."""
        if self.codes is not None and code not in self.codes:
            return False
        if self.tids is not None and (-1 if tid is None else tid) not in self.tids:
            return False
        if self.first_ns is None and self.last_ns is None:
            return True
        first, last = self.first_ns or 0, _LAST_NS if self.last_ns is None else self.last_ns
        return ts_ns is not None and first <= ts_ns <= last


class Region(Record):
    """A box of events; `untimed` is whether it contains events without a time."""

    codes: int = EVERY_CODE
    tids: frozenset[int] | None = None
    first_ns: int = 0
    last_ns: int = _LAST_NS
    untimed: bool = True

    @property
    def empty(self) -> bool:
        """Whether no event is in it."""
        timeless = self.first_ns > self.last_ns and not self.untimed
        return not self.codes or timeless or (self.tids is not None and not self.tids)

    @property
    def by_code(self) -> bool:
        """Whether the code alone decides if an event is in it."""
        return self.tids is None and self.untimed and not self.first_ns and self.last_ns == _LAST_NS

    def __and__(self, other: Region) -> Region:
        if self.tids is None or other.tids is None:
            tids = other.tids if self.tids is None else self.tids
        else:
            tids = self.tids & other.tids
        return Region(
            codes=self.codes & other.codes,
            tids=tids,
            first_ns=max(self.first_ns, other.first_ns),
            last_ns=min(self.last_ns, other.last_ns),
            untimed=self.untimed and other.untimed,
        )

    def __or__(self, other: Region) -> Region:
        if self.empty or other.empty:
            return other if self.empty else self
        tids = None
        if self.tids is not None and other.tids is not None:
            tids = self.tids | other.tids
        return Region(
            codes=self.codes | other.codes,
            tids=tids,
            first_ns=min(self.first_ns, other.first_ns),
            last_ns=max(self.last_ns, other.last_ns),
            untimed=self.untimed or other.untimed,
        )

    def needs(self, known: int, sure: int = 0) -> Needs:
        """Return the prefilter, given the number of codes and those that are `sure`."""
        if self.empty:
            return Needs(codes=frozenset())
        bound = not self.untimed
        return Needs(
            codes=None if self.codes & UNKNOWN_CODES else codes_of(self.codes, known),
            sure=codes_of(self.codes & sure, known),
            tids=self.tids,
            first_ns=self.first_ns if bound else None,
            last_ns=self.last_ns if bound and self.last_ns < _LAST_NS else None,
        )


ANYTHING: Final = Region()
NOTHING: Final = Region(codes=0)


def codes_of(mask: int, known: int) -> frozenset[int]:
    """Return the codes whose bits are set."""
    return frozenset(code for code in range(known) if mask >> code & 1)
