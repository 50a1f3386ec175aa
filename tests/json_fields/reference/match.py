# SPDX-License-Identifier: Apache-2.0
"""Matches compiled patterns, as json/regex.c does: all ways through a pattern at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.runtime.json.regex import ANY, CHAR, CLASS, END, JUMP, MATCH, SAVE, SPLIT, START

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.json.regex import Pattern

__all__ = ["TEXT_MAX", "search"]

TEXT_MAX = 65536


def search(pattern: Pattern, text: str, spend: Callable[[int], None]) -> tuple[int, int] | None:
    """Find the first match, as `re` prefers it: what the chosen group spans, or (-1, -1)."""
    found: tuple[int, int] | None = None
    now: list[tuple[int, int, int]] = []
    seen: set[int] = set()
    for at in range(len(text) + 1):
        if found is None:
            _add(pattern, now, seen, (0, -1, -1), at, len(text))
        elif not now:
            break
        spend(len(now) + len(seen))
        then: list[tuple[int, int, int]] = []
        seen = set()
        char = ord(text[at]) if at < len(text) else -1
        for step, start, end in now:
            if pattern.steps[step][0] == MATCH:
                found = (start, end) if start >= 0 and end >= 0 else (-1, -1)
                break
            if char >= 0 and _takes(pattern, step, char):
                _add(pattern, then, seen, (step + 1, start, end), at + 1, len(text))
        now = then
    return found


def _takes(pattern: Pattern, step: int, char: int) -> bool:
    kind, x, y = pattern.steps[step]
    if kind == CHAR:
        return char == x
    if kind == ANY:
        return char != 10  # a line feed
    inside = any(low <= char <= high for low, high in pattern.ranges[x : x + y])
    return inside if kind == CLASS else not inside


def _add(
    pattern: Pattern,
    to: list[tuple[int, int, int]],
    seen: set[int],
    thread: tuple[int, int, int],
    at: int,
    length: int,
) -> None:
    """Follow what needs no character, in the pattern's order of preference."""
    stack = [thread]
    while stack:
        step, start, end = stack.pop()
        if step in seen:
            continue
        seen.add(step)
        kind, x, y = pattern.steps[step]
        if kind == SPLIT:
            stack += [(y, start, end), (x, start, end)]
        elif kind == JUMP:
            stack.append((x, start, end))
        elif kind == SAVE:
            stack.append((step + 1, start, at) if x else (step + 1, at, end))
        elif kind in (START, END):
            if at == (0 if kind == START else length):
                stack.append((step + 1, start, end))
        else:
            to.append((step, start, end))
