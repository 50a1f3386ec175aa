# SPDX-License-Identifier: Apache-2.0
"""The parameters of a stored event by their names, in any version of its type."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Final

from falcokit.capture.events.event_table import event_table

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event

__all__ = ["EventArgs"]

_MAX_NUMBER: Final = 8


class EventArgs:
    """The parameters of an event by their names; those that are empty or missing are None.

    Old captures have half of them in the enter event, from which a replay completes the exit.
    """

    def __init__(self, event: Event, entered: Event | None = None) -> None:
        """Raise MalformedEventError if an event's parameters contradict its length."""
        self._params = event.params
        self._positions = _positions(event.code)
        self._entered = None if entered is None else EventArgs(entered)

    def raw(self, name: str) -> bytes:
        """Return the bytes of a parameter, none if it is empty or missing."""
        at = self._positions.get(name, -1)
        if 0 <= at < len(self._params):
            return bytes(self._params[at])
        return b"" if self._entered is None else self._entered.raw(name)

    def stored(self, name: str) -> bool:
        """Return whether the parameter is there, be it empty."""
        if 0 <= self._positions.get(name, -1) < len(self._params):
            return True
        return self._entered is not None and self._entered.stored(name)

    def has(self, name: str) -> bool:
        """Return whether it is there and not empty."""
        return bool(self.raw(name))

    def number(self, name: str, *, signed: bool = False) -> int | None:
        """Return an integer of any width; None if it is empty."""
        raw = self.raw(name)
        if not 0 < len(raw) <= _MAX_NUMBER:
            return None
        return int.from_bytes(raw, sys.byteorder, signed=signed)

    def text(self, name: str) -> str:
        """Return a text up to its NUL; bytes that are not UTF-8 are surrogates."""
        return self.raw(name).partition(b"\0")[0].decode("utf-8", "surrogateescape")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return texts that end with a NUL each."""
        raw = self.raw(name)
        if not raw:
            return ()
        parts = raw.removesuffix(b"\0").split(b"\0")
        return tuple(part.decode("utf-8", "surrogateescape") for part in parts)


@functools.cache
def _positions(code: int) -> dict[str, int]:
    event_type = event_table().get(code)
    params = event_type.params if event_type is not None else ()
    return {param.name: at for at, param in enumerate(params)}
