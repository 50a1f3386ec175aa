# SPDX-License-Identifier: Apache-2.0
"""Matches exit events with their enter events: a replay stops at an exit event without its own.

Before schema 4 half of a system call's parameters were in its enter event. The framework keeps
that event for its thread until the exit event takes the parameters over. If it has kept another
one, as in files that were cut or merged by blocks, it stops reading. For large files C does the
same, on the same memory.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from falcokit.record import Record

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event

__all__ = ["NEEDS", "STORED", "Mismatch", "Pairing"]

_EXECVE_ENTER: Final = 292
#: Enter event to how many parameters an exit event has at most when it still takes some of it.
_MOST_PARAMS: Final = {
    0: 1, 4: 1, 6: 2, 8: 2, 10: 1, 18: 1, 20: 2, 22: 3, 24: 1, 28: 2, 30: 2, 32: 2, 34: 3, 36: 1,
    42: 5, 48: 2, 52: 5, 56: 3, 62: 1, 64: 1, 70: 1, 78: 1, 80: 2, 86: 1, 88: 1, 90: 1, 96: 1,
    98: 1, 100: 1, 102: 1, 104: 1, 106: 1, 108: 1, 110: 1, 112: 2, 114: 2, 116: 3, 118: 2, 120: 3,
    122: 2, 124: 1, 126: 1, 128: 1, 130: 1, 132: 1, 134: 1, 136: 1, 138: 1, 140: 3, 142: 3, 144: 5,
    150: 1, 158: 4, 160: 4, 162: 4, 164: 4, 166: 1, 168: 3, 170: 1, 188: 2, 190: 14, 192: 1,
    194: 1, 198: 1, 200: 1, 236: 1, 238: 1, 240: 1, 242: 1, 248: 5, 250: 8, 252: 1, 254: 2, 256: 4,
    262: 1, 264: 2, 276: 2, 284: 1, _EXECVE_ENTER: 30, 294: 1, 298: 1, 328: 1, 332: 3, 374: 1,
    376: 1, 388: 5, 390: 2, 396: 2, 398: 2,
}  # fmt: skip
#: The older versions of execve become the newest one, and then look for its enter event.
_OLD_EXECVE: Final = {13: 8, 155: 13, 173: 14, 215: 15, 231: 16, 283: 17, 289: 17}
_STORED_FOR_NOTHING: Final = 296

#: Codes of enter events that are kept for their thread.
STORED: Final = frozenset({*_MOST_PARAMS, _STORED_FOR_NOTHING})
#: Exit code to its enter code and the most parameters with which it takes some of that.
NEEDS: Final = {
    **{enter + 1: (enter, most) for enter, most in _MOST_PARAMS.items()},
    **{code: (_EXECVE_ENTER, most) for code, most in _OLD_EXECVE.items()},
}

_SLOTS: Final = 1 << 14
_MIX: Final = 0x9E3779B97F4A7C15
_MASK: Final = 2**64 - 1
_NO_TID: Final = _MASK
_SLOT_SHIFT: Final = 64 - 14
_CODE_BITS: Final = 16


class Mismatch(Record):
    """An exit event that would meet the enter event of another system call."""

    offset: int
    exit_code: int
    enter_code: int


class Pairing:
    """Follows the kept enter events of all threads, in memory of a fixed size.

    Threads whose ids share a slot overwrite each other's events: some mismatches are then missed,
    but none is invented. `tids` and `marks` are the slots, which C uses too.
    """

    def __init__(self) -> None:
        self.tids: Final = array("Q", [0]) * _SLOTS
        self.marks: Final = array("Q", [0]) * _SLOTS
        #: The number of the section, from 1; events kept in an earlier section do not count.
        self.section = 1
        self.count = 0
        self.first: Mismatch | None = None

    def add(self, event: Event) -> None:
        """Follow one event."""
        code = event.code
        if code in STORED:
            tid, slot = _slot(event)
            self.tids[slot] = tid
            self.marks[slot] = self.section << _CODE_BITS | code
            return
        needs = NEEDS.get(code)
        if needs is None or (event.stored_params or 0) > needs[1]:
            return
        tid, slot = _slot(event)
        mark = self.marks[slot]
        if self.tids[slot] != tid or mark >> _CODE_BITS != self.section:
            return
        self.marks[slot] = 0
        kept = mark & (1 << _CODE_BITS) - 1
        if kept != needs[0]:
            self.note(Mismatch(offset=event.offset, exit_code=code, enter_code=kept))

    def note(self, mismatch: Mismatch, count: int = 1) -> None:
        """Count mismatches, of which `mismatch` is the first."""
        self.count += count
        if self.first is None or mismatch.offset < self.first.offset:
            self.first = mismatch


def _slot(event: Event) -> tuple[int, int]:
    tid = _NO_TID if event.tid is None else event.tid
    return tid, (tid * _MIX & _MASK) >> _SLOT_SHIFT
