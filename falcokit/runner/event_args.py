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
    """The parameters of an event by their names; those that are empty or missing are None."""

    def __init__(self, event: Event) -> None:
        self._params = event.params
        self._positions = _positions(event.code)

    def _raw(self, name: str) -> bytes:
        at = self._positions.get(name, -1)
        return bytes(self._params[at]) if 0 <= at < len(self._params) else b""

    def has(self, name: str) -> bool:
        """Return whether it is there and not empty."""
        return bool(self._raw(name))

    def number(self, name: str, *, signed: bool = False) -> int | None:
        """Return an integer of any width; None if it is empty."""
        raw = self._raw(name)
        if not 0 < len(raw) <= _MAX_NUMBER:
            return None
        return int.from_bytes(raw, sys.byteorder, signed=signed)

    def text(self, name: str) -> str:
        """Return a text up to its NUL; bytes that are not UTF-8 are surrogates."""
        return self._raw(name).partition(b"\0")[0].decode("utf-8", "surrogateescape")

    def texts(self, name: str) -> tuple[str, ...]:
        """Return texts that end with a NUL each."""
        raw = self._raw(name)
        if not raw:
            return ()
        parts = raw.removesuffix(b"\0").split(b"\0")
        return tuple(part.decode("utf-8", "surrogateescape") for part in parts)


@functools.cache
def _positions(code: int) -> dict[str, int]:
    event_type = event_table().get(code)
    params = event_type.params if event_type is not None else ()
    return {param.name: at for at, param in enumerate(params)}
