# SPDX-License-Identifier: Apache-2.0
"""Regular expressions as RE2 has them in POSIX syntax, where google-re2 is not to be had.

That is a Python too new for its wheels. An expression becomes an automaton whose states are sets
of places in it, made as texts need them: linear time whatever the expression and the text are, as
in RE2, and some hundred times slower. A test compares both on generated expressions.
"""

from __future__ import annotations

import bisect
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from falcokit.filter.types import ValueFaultError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compile_posix"]

#: Ranges of code points, both ends included.
_Ranges: TypeAlias = "list[tuple[int, int]]"
#: `("set", ranges)`, `("cat", parts)`, `("or", parts)`, `("repeat", part, low, high)`, `("^",)`.
_Tree: TypeAlias = "tuple[object, ...]"

_LAST: Final = 0x10FFFF
_NEWLINE: Final = 10
_MAX_REPEAT: Final = 1000
_MAX_PLACES: Final = 20_000
_MAX_STEPS: Final = 20_000  # kept transitions; then the automaton starts anew
_GROUPS: Final = {
    "alnum": "09AZaz", "alpha": "AZaz", "ascii": "\0\x7f", "blank": "\t\t  ",
    "cntrl": "\0\x1f\x7f\x7f", "digit": "09", "graph": "!~", "lower": "az", "print": " ~",
    "punct": "!/:@[`{~", "space": "\t\r  ", "upper": "AZ", "word": "09AZaz__", "xdigit": "09AFaf",
}  # fmt: skip
_ESCAPES: Final = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}


def compile_posix(pattern: str) -> Callable[[str], bool]:
    """Return a function that says whether an expression matches all of a text.

    Raises ValueFaultError.
    """
    reader = _Reader(pattern)
    tree = reader.either()
    if reader.at < len(pattern):
        raise _fault("unexpected )")
    return _Automaton(tree).matches


def _fault(reason: str) -> ValueFaultError:
    return ValueFaultError(f"not a regular expression for RE2: {reason}")


class _Reader:
    """Reads an expression into a tree."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self.at = 0

    def _next(self) -> str:
        return self._text[self.at : self.at + 1]

    def either(self) -> _Tree:
        parts = [self._sequence()]
        while self._next() == "|":
            self.at += 1
            parts.append(self._sequence())
        return ("or", parts)

    def _sequence(self) -> _Tree:
        parts: list[_Tree] = []
        while self._next() not in {"", "|", ")"}:
            repeat = self._repeat()
            if repeat is None:
                parts.append(self._one())
            elif not parts:
                raise _fault(f"no argument for repetition operator: {repeat[0]}")
            else:
                parts[-1] = ("repeat", parts[-1], *repeat[1:])
        return ("cat", parts)

    def _repeat(self) -> tuple[str, int, int | None] | None:
        found = re.compile(r"[*+?]|\{([0-9]+)(,([0-9]*))?\}").match(self._text, self.at)
        if found is None:
            return None
        self.at = found.end()
        if found[0] in {"*", "+", "?"}:
            return found[0], int(found[0] == "+"), 1 if found[0] == "?" else None
        low = int(found[1])
        high = low if found[2] is None else int(found[3]) if found[3] else None
        if max(low, high or 0) > _MAX_REPEAT or (high is not None and high < low):
            raise _fault(f"invalid repetition size: {found[0]}")
        return found[0], low, high

    def _one(self) -> _Tree:
        character = self._next()
        self.at += 1
        if character == "(":
            inner = self.either()
            if self._next() != ")":
                raise _fault("missing )")
            self.at += 1
            return inner
        if character in {"^", "$"}:
            return (character,)
        if character == ".":
            return ("set", [(0, _NEWLINE - 1), (_NEWLINE + 1, _LAST)])
        if character == "[":
            return ("set", self._bracket())
        code = self._escape() if character == "\\" else ord(character)
        return ("set", [(code, code)])

    def _escape(self) -> int:
        """Read what follows a backslash."""
        character = self._next()
        self.at += 1
        if not character:
            raise _fault("trailing \\")
        if character.isascii() and not character.isalnum():
            return ord(character)
        if character in _ESCAPES:
            return _ESCAPES[character]
        number = re.compile(r"x([0-9a-fA-F]{2})|x\{([0-9a-fA-F]{1,6})\}|(0[0-7]{0,2})").match(
            self._text, self.at - 1
        )
        if number is None:
            number = re.compile(r"()()([1-7][0-7]{1,2})").match(self._text, self.at - 1)
        if number is None or int(number[1] or number[2] or "0", 16) > _LAST:
            raise _fault(f"invalid escape sequence: \\{character}")
        self.at = number.end()
        return int(number[3], 8) if number[3] else int(number[1] or number[2], 16)

    def _bracket(self) -> _Ranges:
        negated = self._next() == "^"
        self.at += negated
        found: _Ranges = []
        start = self.at
        while self._next() != "]" or self.at == start:
            if not self._next():
                raise _fault("missing ]")
            behind = self._text[self.at + 1 : self.at + 2]
            if self._next() == "-" and self.at > start and behind != "]":
                raise _fault("invalid character class range: -")
            named = re.compile(r"\[:(\^?)([^:\]]*):\]").match(self._text, self.at)
            if named:
                found += _group(named[2], negated=bool(named[1]))
                self.at = named.end()
                continue
            low = high = self._member()
            if self._next() == "-" and self._text[self.at + 1 : self.at + 2] not in {"]", ""}:
                self.at += 1
                high = self._member()
                if high < low:
                    raise _fault("invalid character class range")
            found.append((low, high))
        self.at += 1
        return _complement(found) if negated else found

    def _member(self) -> int:
        character = self._next()
        self.at += 1
        return self._escape() if character == "\\" else ord(character)


def _group(name: str, *, negated: bool) -> _Ranges:
    ends = _GROUPS.get(name)
    if ends is None:
        raise _fault(f"invalid character class range: [:{name}:]")
    found = [(ord(ends[n]), ord(ends[n + 1])) for n in range(0, len(ends), 2)]
    return _complement(found) if negated else found


def _complement(ranges: _Ranges) -> _Ranges:
    found, at = [], 0
    for low, high in sorted(ranges):
        if low > at:
            found.append((at, low - 1))
        at = max(at, high + 1)
    return [*found, (at, _LAST)] if at <= _LAST else found


class _Automaton:
    """The places of an expression: sets of characters, forks and line ends, each with what follows.

    The last place is 0. Sets of places, made as texts need them, are the states.
    """

    def __init__(self, tree: _Tree) -> None:
        self._sets: dict[int, tuple[_Ranges, int]] = {}
        self._forks: dict[int, list[int]] = {}
        self._lines: dict[int, tuple[str, int]] = {}
        self._count = 1
        self._first = self._place(tree, 0, 1)
        self._bounds = self._find_bounds()
        self._steps: dict[tuple[frozenset[int], bool, int], frozenset[int]] = {}

    def _new(self) -> int:
        self._count += 1
        if self._count > _MAX_PLACES:
            raise _fault("pattern too large - compile failed")
        return self._count - 1

    def _place(self, tree: _Tree, then: int, factor: int) -> int:
        """Lay a part before the place `then`; `factor` is how often the counts around repeat it."""
        kind = tree[0]
        if kind == "cat":
            for part in reversed(_parts(tree)):
                then = self._place(part, then, factor)
            return then
        if kind == "or":
            return self._fork([self._place(part, then, factor) for part in _parts(tree)])
        if kind == "repeat":
            return self._repeated(tree, then, factor)
        at = self._new()
        if kind == "set":
            self._sets[at] = (tree[1], then)  # type: ignore[assignment]
        else:
            self._lines[at] = (str(kind), then)
        return at

    def _fork(self, ways: list[int]) -> int:
        if len(ways) == 1:
            return ways[0]
        at = self._new()
        self._forks[at] = ways
        return at

    def _repeated(self, tree: _Tree, then: int, factor: int) -> int:
        _, part, low, high = tree
        assert isinstance(part, tuple)  # noqa: S101 - as the reader makes it
        assert isinstance(low, int)  # noqa: S101
        assert high is None or isinstance(high, int)  # noqa: S101
        inner = factor * max(low, high or 0, 1)
        if inner > _MAX_REPEAT:
            raise _fault("invalid repetition size")
        if high is None:
            loop = self._new()
            self._forks[loop] = [then]
            self._forks[loop].append(self._place(part, loop, inner))
            then = loop
        else:
            end = then
            for _ in range(high - low):
                then = self._fork([end, self._place(part, then, inner)])
        for _ in range(low):
            then = self._place(part, then, inner)
        return then

    def _find_bounds(self) -> list[int]:
        """Return where the characters begin that any set treats differently from those before."""
        bounds = {_NEWLINE, _NEWLINE + 1}
        for ranges, _ in self._sets.values():
            for low, high in ranges:
                bounds |= {low, high + 1}
        return sorted(bounds)

    def matches(self, text: str) -> bool:
        """Tell whether the expression matches all of a text."""
        places, after_line = frozenset({self._first}), True
        for character in text:
            code = ord(character)
            kind = bisect.bisect_right(self._bounds, code)
            key = (places, after_line, kind)
            found = self._steps.get(key)
            if found is None:
                if len(self._steps) >= _MAX_STEPS:
                    self._steps.clear()
                found = self._steps[key] = self._step(places, code, after_line=after_line)
            if not found:
                return False
            places, after_line = found, code == _NEWLINE
        return 0 in self._open(places, begins=after_line, ends=True)

    def _step(self, places: frozenset[int], code: int, *, after_line: bool) -> frozenset[int]:
        opened = self._open(places, begins=after_line, ends=code == _NEWLINE)
        return frozenset(
            then
            for ranges, then in (self._sets[at] for at in opened if at in self._sets)
            if any(low <= code <= high for low, high in ranges)
        )

    def _open(self, places: frozenset[int], *, begins: bool, ends: bool) -> set[int]:
        """Follow forks, and line ends where there is one, from some places."""
        found: set[int] = set()
        waiting = list(places)
        while waiting:
            at = waiting.pop()
            if at in found:
                continue
            found.add(at)
            waiting += self._forks.get(at, ())
            if at in self._lines:
                kind, then = self._lines[at]
                if begins if kind == "^" else ends:
                    waiting.append(then)
        return found


def _parts(tree: _Tree) -> list[_Tree]:
    parts = tree[1]
    assert isinstance(parts, list)  # noqa: S101 - as the reader makes it
    return parts
