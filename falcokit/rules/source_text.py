# SPDX-License-Identifier: Apache-2.0
"""A text that was put together from scalars of YAML, and the place of each of its characters.

A condition is rarely what stands in one place: it is appended to, its lists are written out, its
exceptions are added. What is wrong with it is nevertheless shown where it was written.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from falcokit.rules.document import Document, Scalar

__all__ = ["Origin", "SourceText"]

_BLANKS = " \t\r\n"
_SPACES = " \t\n\v\f\r"
#: Digits of an escape in double quotes; all others have none.
_DIGITS = {"x": 2, "u": 4, "U": 8}


class Origin(NamedTuple):
    """A character of a scalar's text; if `fixed`, what follows comes from there as a whole."""

    document: Document
    scalar: Scalar
    offset: int
    fixed: bool = False

    def place(self) -> tuple[int, int]:
        """Return line and column in the file, from 0."""
        scalar, text = self.scalar, self.document.text
        at = _index(text, scalar, self.offset)
        return text.count("\n", 0, at), at - text.rfind("\n", 0, at) - 1


class SourceText:
    """An immutable text with the origin of each piece of it."""

    __slots__ = ("_origins", "_starts", "text")

    def __init__(self, text: str, starts: list[int], origins: list[Origin]) -> None:
        self.text = text
        self._starts = starts
        self._origins = origins

    @classmethod
    def of(cls, document: Document, scalar: Scalar) -> SourceText:
        """Return the text of a scalar."""
        return cls(scalar.text, [0], [Origin(document, scalar, 0)])

    def stripped(self) -> SourceText:
        """Return this text without blanks around it; it is the text of one scalar."""
        text = self.text.strip(_SPACES)
        start = len(self.text) - len(self.text.lstrip(_SPACES))
        return SourceText(text, [0], [self._origins[0]._replace(offset=start)])

    def origin(self, position: int) -> Origin:
        """Return where the character at `position` comes from."""
        piece = bisect_right(self._starts, position) - 1
        origin = self._origins[piece]
        if origin.fixed:
            return origin
        return origin._replace(offset=origin.offset + position - self._starts[piece])

    def place(self, position: int) -> tuple[int, int]:
        """Return line and column of a character in its file, from 0; of the last one behind it."""
        return self.origin(min(position, max(len(self.text) - 1, 0))).place()

    def append(self, between: str, other: SourceText) -> SourceText:
        """Return this text, `between`, and another."""
        offset = len(self.text) + len(between)
        return SourceText(
            self.text + between + other.text,
            [*self._starts, *(start + offset for start in other._starts)],
            [*self._origins, *other._origins],
        )

    def wrapped(self, before: str, after: str) -> SourceText:
        """Return this text between two others, which come from where it begins and ends."""
        first = self.origin(0)._replace(fixed=True)
        last = self.origin(max(len(self.text) - 1, 0))._replace(fixed=True)
        shift = len(before)
        end = shift + len(self.text)
        return SourceText(
            before + self.text + after,
            [0, *(start + shift for start in self._starts), end],
            [first, *self._origins, last],
        )

    def replaced(self, start: int, end: int, new: str) -> SourceText:
        """Return this text with `new` for a part, which comes from where that part began."""
        if not self.text:
            return self
        first = self.origin(min(start, len(self.text) - 1))._replace(fixed=True)
        before = bisect_right(self._starts, start - 1) if start else 0
        after = bisect_right(self._starts, end)
        shift = len(new) - (end - start)
        starts = [*self._starts[:before], start]
        origins = [*self._origins[:before], first]
        if end < len(self.text):
            starts.append(start + len(new))
            origins.append(self.origin(end))
        starts += [at + shift for at in self._starts[after:]]
        origins += self._origins[after:]
        return SourceText(self.text[:start] + new + self.text[end:], starts, origins)


def _index(text: str, scalar: Scalar, offset: int) -> int:
    """Return where in the file's text a character of a scalar stands.

    Blanks may have been folded: it is the visible characters that are counted off against each
    other. For a blank it is the one behind the visible character before it.
    """
    at, end = scalar.start, scalar.end
    if scalar.style in {"|", ">"}:
        newline = text.find("\n", at, end)
        at = end if newline < 0 else newline + 1
    elif scalar.style in {"'", '"'}:
        at = _quote(text, at, end, scalar.style) + 1
    elif text[at : at + 1] in {"&", "!"}:
        at = max(text.find(scalar.text[:1], at, end), at)
    for character in scalar.text[:offset]:
        if character not in _BLANKS:
            at = _behind(text, at, end, scalar.style)
    if scalar.text[offset : offset + 1].strip(_BLANKS):
        at = _visible(text, at, end, scalar.style)
    return at


def _quote(text: str, at: int, end: int, quote: str) -> int:
    found = text.find(quote, at, end)
    return at if found < 0 else found


def _visible(text: str, at: int, end: int, style: str | None) -> int:
    while at < end and (
        text[at] in _BLANKS or (style == '"' and text[at] == "\\" and text[at + 1 : at + 2] == "\n")
    ):
        at += 1 if text[at] in _BLANKS else 2
    return at


def _behind(text: str, at: int, end: int, style: str | None) -> int:
    """Return the index behind the next visible character, which may be an escape."""
    at = _visible(text, at, end, style)
    if style == '"' and text[at : at + 1] == "\\":
        code = text[at + 1 : at + 2]
        if code in {"n", "t", "r", " "}:  # blanks in the value
            return _behind(text, at + 2, end, style)
        return at + 2 + _DIGITS.get(code, 0)
    return at + (2 if style == "'" and text[at : at + 2] == "''" else 1)
