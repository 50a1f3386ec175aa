# SPDX-License-Identifier: Apache-2.0
r"""Compiles patterns for json/regex.c, which matches them in time proportional to the text.

The language is a subset of Python's `re`: characters, `.`, classes `[a-z]` `[^/]`, \d \w \s \D \W
\S (ASCII), groups `( )` `(?: )`, `|`, `*` `+` `?` `{m,n}` and their lazy forms, `^` and `$` (the
text's start and end). No look-around, no flags.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, NoReturn

__all__ = ["Pattern", "compile_pattern"]

STEPS_MAX = 512
CHAR, ANY, CLASS, OTHER, SPLIT, JUMP, SAVE, START, END, MATCH = range(10)
_LAST = 0x10FFFF
_SHORTHANDS = {
    "d": [(48, 57)],
    "w": [(48, 57), (65, 90), (95, 95), (97, 122)],
    "s": [(9, 13), (32, 32)],
}
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v"}


class Pattern(NamedTuple):
    """A compiled pattern: steps of (kind, x, y), and the ranges of its classes."""

    steps: list[tuple[int, int, int]]
    ranges: list[tuple[int, int]]

    def encode(self) -> bytes:
        """Return the encoding that json/regex.c loads."""
        words = [len(self.steps), len(self.ranges)]
        for row in (*self.steps, *self.ranges):
            words.extend(row)
        return struct.pack(f"<{len(words)}I", *words)

    @classmethod
    def decode(cls, encoded: bytes) -> Pattern:
        """Return the pattern of an encoding."""
        n = int.from_bytes(encoded[:4], "little")
        steps = list(struct.iter_unpack("<III", encoded[8 : 8 + 12 * n]))
        return cls(steps, list(struct.iter_unpack("<II", encoded[8 + 12 * n :])))


Steps = list[tuple[int, int, int]]


class _Compiler:
    """Recursive descent; every part becomes steps whose jumps are relative to the part's start."""

    def __init__(self, source: str, group: int) -> None:
        self.source, self.at, self.group, self.groups = source, 0, group, 0
        self.ranges: list[tuple[int, int]] = []
        self.depth = 0

    def wrong(self, why: str) -> NoReturn:
        raise ValueError(f"the pattern {self.source!r} cannot be used: {why} at {self.at}")

    def peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def take(self) -> str:
        self.at += 1
        return self.source[self.at - 1 : self.at] or self.wrong("it ends too early")

    def choice(self) -> Steps:
        left = self.sequence()
        while self.peek() == "|":
            self.at += 1
            right = self.sequence()
            n, m = len(left), len(right)
            left = [
                (SPLIT, 1, n + 2),
                *_moved(left, 1),
                (JUMP, n + m + 2, 0),
                *_moved(right, n + 2),
            ]
        return left

    def sequence(self) -> Steps:
        steps: Steps = []
        while self.peek() not in ("", "|", ")"):
            steps += _moved(self.repeated(), len(steps))
            if len(steps) > STEPS_MAX:
                self.wrong(f"it has more than {STEPS_MAX} steps")
        return steps

    def repeated(self) -> Steps:
        part = self.atom()
        least, most = 1, 1
        sign = self.peek()
        if sign in ("*", "+", "?"):
            self.at += 1
            least, most = {"*": (0, -1), "+": (1, -1), "?": (0, 1)}[sign]
        elif sign == "{":
            least, most = self.bounds()
        else:
            return part
        lazy = self.peek() == "?"
        self.at += lazy
        if self.peek() in ("*", "+", "?", "{"):
            self.wrong("a repetition follows another")
        if max(least, most) * max(len(part), 1) > STEPS_MAX:
            self.wrong(f"it has more than {STEPS_MAX} steps")
        return _times(part, least, most, lazy=lazy)

    def bounds(self) -> tuple[int, int]:
        end = self.source.find("}", self.at)
        low, comma, high = self.source[self.at + 1 : max(end, self.at)].partition(",")
        good = low.isascii() and low.isdigit() and (not high or (high.isascii() and high.isdigit()))
        if not good:
            self.wrong("a repetition in braces is {m}, {m,} or {m,n}")
        self.at = end + 1
        least = min(int(low[:9]), STEPS_MAX + 1)
        most = (min(int(high[:9]), STEPS_MAX + 1) if high else -1) if comma else least
        if -1 < most < least:
            self.wrong("a repetition ends below its start")
        return least, most

    def atom(self) -> Steps:
        char = self.take()
        if char == "(":
            return self.grouped()
        if char == "[":
            return self.char_class()
        if char == "\\":
            return self.escaped()
        if char in "*+?{":
            self.at -= 1
            self.wrong("there is nothing to repeat")
        simple = {".": ANY, "^": START, "$": END}
        return [(simple[char], 0, 0)] if char in simple else [(CHAR, ord(char), 0)]

    def grouped(self) -> Steps:
        number = 0
        self.depth += 1
        if self.depth > 50:  # noqa: PLR2004  # far from Python's own limit
            self.wrong("groups are nested too deeply")
        if self.peek() == "?":
            if self.source[self.at : self.at + 2] != "?:":
                self.wrong("of the forms that begin with (? only (?: ) is supported")
            self.at += 2
        else:
            self.groups += 1
            number = self.groups
        inside = self.choice()
        if self.take() != ")":
            self.wrong("a group is not closed")
        self.depth -= 1
        if number and number == self.group:
            return [(SAVE, 0, 0), *_moved(inside, 1), (SAVE, 1, 0)]
        return inside

    def escaped(self) -> Steps:
        char = self.take()
        ranges = _SHORTHANDS.get(char.lower())
        if ranges:
            return self.of_ranges(ranges, other=char.isupper())
        return [(CHAR, ord(self.literal(char)), 0)]

    def literal(self, char: str) -> str:
        if char.isascii() and char.isalnum() and char not in _CONTROLS:
            self.wrong(f"\\{char} is not known")
        return _CONTROLS.get(char, char)

    def of_ranges(self, ranges: list[tuple[int, int]], *, other: bool) -> Steps:
        first = len(self.ranges)
        self.ranges += ranges
        return [(OTHER if other else CLASS, first, len(ranges))]

    def char_class(self) -> Steps:
        other = self.peek() == "^"
        self.at += other
        ranges: list[tuple[int, int]] = []
        while self.peek() != "]" or not ranges:
            low = self.in_class(ranges)
            if low is None:
                continue
            high = low
            if self.peek() == "-" and self.source[self.at + 1 : self.at + 2] not in ("", "]"):
                self.at += 1
                found = self.in_class(ranges)
                if found is None or found < low:
                    self.wrong("a range of characters has no end above its start")
                high = found
            ranges.append((low, high))
        self.at += 1
        return self.of_ranges(ranges, other=other)

    def in_class(self, ranges: list[tuple[int, int]]) -> int | None:
        """Read one character of a class; None for a shorthand, which is added to `ranges`."""
        char = self.take()
        if char != "\\":
            return ord(char)
        char = self.take()
        short = _SHORTHANDS.get(char.lower())
        if not short:
            return ord(self.literal(char))
        ranges.extend(_all_others(short) if char.isupper() else short)
        return None


def _all_others(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    starts = [0, *(high + 1 for _, high in ranges)]
    ends = [*(low - 1 for low, _ in ranges), _LAST]
    return list(zip(starts, ends, strict=True))


def _moved(steps: Steps, by: int) -> Steps:
    return [
        (kind, x + by, y + by)
        if kind == SPLIT
        else (kind, x + by, y)
        if kind == JUMP
        else (kind, x, y)
        for kind, x, y in steps
    ]


def _split(first: int, second: int, *, lazy: bool) -> tuple[int, int, int]:
    return (SPLIT, second, first) if lazy else (SPLIT, first, second)


def _times(part: Steps, least: int, most: int, *, lazy: bool) -> Steps:
    steps: Steps = []
    for _ in range(least):
        steps += _moved(part, len(steps))
    n = len(part)
    if most < 0:
        at = len(steps)
        steps += [_split(at + 1, at + n + 2, lazy=lazy), *_moved(part, at + 1), (JUMP, at, 0)]
        return steps
    end = len(steps) + (most - least) * (n + 1)
    for _ in range(most - least):
        at = len(steps)
        steps += [_split(at + 1, end, lazy=lazy), *_moved(part, at + 1)]
    return steps


def compile_pattern(source: str, group: int) -> Pattern:
    """Compile a pattern that returns the match of `group` (0: the whole match).

    Raises:
        ValueError: the pattern is not supported, or too long.

    """
    compiler = _Compiler(source, group)
    steps = compiler.choice()
    if compiler.peek():
        compiler.wrong("a bracket closes no group")
    if group > compiler.groups or group < 0:
        compiler.wrong(f"there is no group {group}")
    if group == 0:
        steps = [(SAVE, 0, 0), *_moved(steps, 1), (SAVE, 1, 0)]
    steps.append((MATCH, 0, 0))
    if len(steps) > STEPS_MAX:
        compiler.wrong(f"it has more than {STEPS_MAX} steps")
    return Pattern(steps, compiler.ranges)
