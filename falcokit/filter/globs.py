# SPDX-License-Identifier: Apache-2.0
"""Patterns of `glob`, `iglob` and `pmatch`, as fnmatch(3) has them in the C locale, in linear time.

A pattern is cut at its stars. What stands between two of them has a fixed length, so that the
leftmost place where it fits is always a right one: nothing is ever tried twice, whatever a hostile
rule and payload are made of. Bytes are compared, as Falco does: `?` is one byte of a letter that
has two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["compile_glob"]

_ALL: Final = frozenset(range(256))
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_CLASSES: Final = {
    "alpha": r"[a-zA-Z]", "digit": r"[0-9]", "alnum": r"[a-zA-Z0-9]", "upper": r"[A-Z]",
    "lower": r"[a-z]", "space": r"[ \t\n\r\f\v]", "blank": r"[ \t]", "xdigit": r"[0-9a-fA-F]",
    "punct": r"[!-/:-@\[-`{-~]", "print": r"[ -~]", "graph": r"[!-~]", "cntrl": r"[\x00-\x1f\x7f]",
}  # fmt: skip


def compile_glob(pattern: bytes, *, fold: bool = False) -> Callable[[bytes], bool]:
    """Return a function that says whether a pattern fits all of a value.

    With `fold` the case of ASCII letters does not count.
    """
    pieces: list[list[frozenset[int]]] = [[]]
    for token in _tokens(pattern, fold=fold):
        if token is None:
            pieces.append([])
        else:
            pieces[-1].append(token)
    first, *rest = [re.compile(b"".join(map(_class, piece)), re.DOTALL) for piece in pieces]
    if not rest:
        return lambda value: first.fullmatch(value) is not None
    *middle, last = rest
    size = len(pieces[-1])

    def fits(value: bytes) -> bool:
        found = first.match(value)
        if found is None:
            return False
        at = found.end()
        for piece in middle:
            found = piece.search(value, at)
            if found is None:
                return False
            at = found.end()
        start = len(value) - size
        return start >= at and last.match(value, start) is not None

    return fits


def _class(accepted: frozenset[int]) -> bytes:
    if len(accepted) == len(_ALL):
        return b"."
    if len(accepted) == 1:
        return re.escape(bytes(accepted))
    inner = b"".join(b"\\x%02x" % byte for byte in sorted(accepted))
    return b"[" + inner + b"]" if inner else b"(?!)"


def _folded(accepted: Iterable[int]) -> frozenset[int]:
    accepted = frozenset(accepted)
    more = {byte ^ 0x20 for byte in accepted if chr(byte).lower() in _LETTERS}
    return accepted | more


def _tokens(pattern: bytes, *, fold: bool) -> list[frozenset[int] | None]:
    """Return what each part accepts: a set of bytes, None for a star."""
    own: Callable[[Iterable[int]], frozenset[int]] = _folded if fold else frozenset
    tokens: list[frozenset[int] | None] = []
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        at += 1
        if byte == b"*":
            if not tokens or tokens[-1] is not None:
                tokens.append(None)
        elif byte == b"?":
            tokens.append(_ALL)
        elif byte == b"\\":
            # A backslash at the end fits nothing.
            tokens.append(own(pattern[at : at + 1]))
            at += 1
        elif byte == b"[" and (bracket := _bracket(pattern, at, own)):
            accepted, at = bracket
            tokens.append(accepted)
        else:
            tokens.append(own(byte))
    return tokens


def _bracket(
    pattern: bytes, at: int, own: Callable[[Iterable[int]], frozenset[int]]
) -> tuple[frozenset[int], int] | None:
    """Return what `[...]` accepts and where it ends, None where it is not closed."""
    negated = pattern[at : at + 1] in {b"!", b"^"}
    at += negated
    accepted: set[int] = set()
    start = at
    while at < len(pattern):
        if pattern[at : at + 1] == b"]" and at > start:
            return (_ALL - accepted if negated else frozenset(accepted)), at + 1
        named = re.compile(rb"\[:([a-z]+):\]").match(pattern, at)
        if named:
            known = _CLASSES.get(named[1].decode())
            if known:
                accepted.update(byte for byte in _ALL if re.fullmatch(known, chr(byte)))
            at = named.end()
            continue
        low, at = _member(pattern, at)
        if low is None:
            return None
        if pattern[at : at + 1] == b"-" and pattern[at + 1 : at + 2] not in {b"]", b""}:
            high, at = _member(pattern, at + 1)
            if high is None:
                return None
            accepted.update(own(range(low, high + 1)))
        else:
            accepted.update(own([low]))
    return None


def _member(pattern: bytes, at: int) -> tuple[int | None, int]:
    """Return one byte of a bracket and the place behind it."""
    same = re.compile(rb"\[([=.])(.)\1\]", re.DOTALL).match(pattern, at)
    if same:
        return same[2][0], same.end()
    if pattern[at : at + 1] == b"\\":
        at += 1
    return (pattern[at], at + 1) if at < len(pattern) else (None, at)
