# SPDX-License-Identifier: Apache-2.0
"""Errors and warnings of reading a capture.

`CaptureError` is for a file of which nothing can be read. Everything else is a `Notice`: the reader
delivers what it can and reports afterwards what was wrong. `FilterError` is for the text of a
filter.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from falcokit.capture.format.record import Record
from falcokit.errors import ConfigError, FalcokitError

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
_EXCERPT: Final = 96  # characters of a filter shown around its fault


class CaptureError(FalcokitError):
    """Nothing of the file can be read as a capture."""


class MalformedEventError(CaptureError):
    """The parameters of one event contradict its own lengths."""


class FilterError(ConfigError):
    """An invalid filter: the mistake, and below it the place in the text.

    `position` counts characters of the whole text from 0, `line` and `column` from 1.
    """

    def __init__(self, reason: str, text: str, position: int) -> None:
        before = text[:position]
        start = before.rfind("\n") + 1
        line = text[start:].partition("\n")[0]
        left = max(position - start - _EXCERPT // 2, 0)
        excerpt = "".join(c if c.isprintable() else " " for c in line[left : left + _EXCERPT])
        caret = " " * (position - start - left) + "^"
        super().__init__(f"{reason}\n  {excerpt}\n  {caret}")
        self.reason = reason
        self.position = position
        self.line = before.count("\n") + 1
        self.column = position - start + 1


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
