# SPDX-License-Identifier: Apache-2.0
"""Errors and warnings of reading a capture.

`CaptureError` is for a file of which nothing can be read. Everything else is a `Notice`: the reader
delivers what it can and reports afterwards what was wrong. `FilterError` is for the text of a
filter.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from falcokit.errors import FalcokitError
from falcokit.filter.errors import FilterError
from falcokit.record import Record

__all__ = [
    "MAX_NOTICES",
    "CaptureError",
    "FilterError",
    "MalformedEventError",
    "Notice",
    "Notices",
]

#: A hostile file can have a new problem in every block; the report stays readable.
MAX_NOTICES: Final = 32


class CaptureError(FalcokitError):
    """Nothing of the file can be read as a capture."""


class MalformedEventError(CaptureError):
    """The parameters of one event contradict its own lengths."""


class Notice(Record):
    """One problem of a capture that could still be read."""

    kind: str
    message: str
    offset: int
    count: int = 1


class Notices:
    """Collects notices, one for each kind and subject, with a count."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, int], Notice] = {}
        self._counts: Counter[tuple[str, int]] = Counter()
        self._left_out = 0

    def add(self, kind: str, message: str, *, offset: int, subject: int = 0) -> None:
        """Add `message`; a repetition of kind and subject only increments the count."""
        key = (kind, subject)
        if key not in self._first:
            if len(self._first) == MAX_NOTICES:
                self._left_out += 1
                return
            self._first[key] = Notice(kind=kind, message=message, offset=offset)
        self._counts[key] += 1

    def all(self) -> tuple[Notice, ...]:
        """All notices so far, in the order of first appearance."""
        notices = [first.replace(count=self._counts[key]) for key, first in self._first.items()]
        if self._left_out:
            text = "further kinds of problems were omitted"
            notices.append(Notice(kind="more", message=text, offset=0, count=self._left_out))
        return tuple(notices)
