# SPDX-License-Identifier: Apache-2.0
"""One evaluation's state, and the limits of what it may make: json/run.h in Python.

Texts are str, numbers and times int, truths bool, addresses bytes, values of the document Value.
"""

from __future__ import annotations

from typing import Any

from json_fields.reference.members import Members
from json_fields.reference.scanner import Value, root_value, serialize, value_at

from falcokit.runtime.base.errors import PluginError

__all__ = ["SPENT", "Event", "Run"]

SPENT = "it takes more work than fields may"

VALUES_MAX = 262_144
TEXT_EXTRA = 1 << 20
WORK_MAX = 1 << 23  # steps, and one for each byte of the payload: FK_JWORK of json/field.h


class Event:
    """What a field is of: the payload, and what else the event has."""

    __slots__ = ("number", "payload", "source", "ts_ns")

    def __init__(self, payload: bytes, *, ts_ns: int, number: int, source: str | None) -> None:
        self.payload, self.ts_ns, self.number, self.source = payload, ts_ns, number, source


class Run:
    """One evaluation: the event, the argument, and what may still be made."""

    def __init__(self, event: Event, *, index: int | None, key: str | None) -> None:
        self.event, self.text = event, event.payload
        self.index, self.key = index, key
        self.text_left, self.values = 2 * len(event.payload) + TEXT_EXTRA, 0
        self.work_left = WORK_MAX + len(event.payload)
        self.contexts: list[Any] = [root_value(event.payload)]
        self.members = Members(event.payload, self.spend)

    # ---- what is done --------------------------------------------------------------------------

    def spend(self, steps: int) -> None:
        """Count work, as json/field.h does; near the end of the budget C may count less."""
        self.work_left -= steps
        if self.work_left < 0:
            raise PluginError(SPENT)

    def at(self, pos: int) -> Value | None:
        """Return the value at `pos`, unless it is not well formed."""
        value = value_at(self.text, pos)
        length = value.end - pos if value else 0
        self.spend(length // 64 + (length // 4 if value and value.type != "string" else 0))
        return value

    def serialize(self, value: Value, *, pretty: bool) -> str | None:
        """Return a value as JSON; None when it is not JSON throughout."""
        text, end = serialize(self.text, value, pretty=pretty)
        self.spend((end - value.pos) // 4)
        return text

    # ---- what is made --------------------------------------------------------------------------

    def charge(self, text: str) -> str:
        """Count a text that was made."""
        self.text_left -= len(text.encode()) + 1
        if self.text_left < 0:
            raise PluginError("it makes more text than fields may")
        return text

    def push(self, to: list[Any], value: Any) -> None:
        """Add a value, and count it."""
        self.values += 1
        if self.values > VALUES_MAX:
            raise PluginError("it makes more values than fields may")
        to.append(value)

    def one(self, value: Any) -> list[Any]:
        """Return one value that was made."""
        out: list[Any] = []
        self.push(out, value)
        return out

    def is_true(self, value: Any) -> bool:
        """Tell whether a value is true, computed or in the document."""
        if isinstance(value, Value):
            return value.type == "bool" and self.text[value.pos] == ord("t")
        return value is True
