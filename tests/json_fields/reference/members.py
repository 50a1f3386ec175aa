# SPDX-License-Identifier: Apache-2.0
"""The members of one event's document, met once and remembered: json/doc.c in Python.

What is beyond the limit is walked again each time, and that is work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from json_fields.reference.scanner import key_equals, members

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from json_fields.reference.scanner import Value

__all__ = ["Members"]

MEMBERS_MAX = 65_536


class _Container:
    """What was met in one: its members in their order, the first of each key, what comes next."""

    __slots__ = ("escaped", "keys", "met", "rest")

    def __init__(self, rest: Iterator[tuple[bytes, int]]) -> None:
        self.rest = rest
        self.met: list[tuple[bytes, int]] = []
        self.keys: dict[bytes, int] = {}
        self.escaped = False


class Members:
    """The containers of a document that were looked into."""

    def __init__(self, text: bytes, spend: Callable[[int], None]) -> None:
        self._text, self._spend = text, spend
        self._containers: dict[int, _Container] = {}
        self._room = MEMBERS_MAX

    def walk(self, of: Value) -> Iterator[tuple[bytes, int]]:
        """Step through a container: each key as it is between its quotes, and its value's place."""
        known, i = self._known(of), 0
        while i < len(known.met) or self._meet(known):
            self._spend(1)
            yield known.met[i]
            i += 1
        if self._room:
            return
        last = of.pos
        for n, (key, pos) in enumerate(members(self._text, of)):
            if n >= i:
                self._spend(1 + (pos - last) // 64)
                last = pos
                yield key, pos

    def find(self, of: Value, key: bytes) -> int | None:
        """Return where the value of the first member with this key is."""
        known = self._known(of)
        while not known.escaped:
            pos = known.keys.get(key)
            if pos is not None:
                return pos
            if not self._meet(known):
                break
        if self._room and not known.escaped:
            return None
        return next((pos for raw, pos in self.walk(of) if key_equals(raw, key)), None)

    def _known(self, of: Value) -> _Container:
        known = self._containers.get(of.pos)
        if known is None:
            known = self._containers[of.pos] = _Container(members(self._text, of))
        return known

    def _meet(self, known: _Container) -> bool:
        """Remember one more; False when there is none, or no room for it."""
        found = next(known.rest, None) if self._room else None
        if found is None:
            return False
        self._room -= 1
        known.met.append(found)
        known.keys.setdefault(found[0], found[1])
        known.escaped = known.escaped or b"\\" in found[0]
        return True
