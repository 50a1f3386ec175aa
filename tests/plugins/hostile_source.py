# SPDX-License-Identifier: Apache-2.0
"""A source that raises anything anywhere; the open params say what and where."""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING, Self

from falcokit import EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class Unspeakable(Exception):  # noqa: N818
    def __str__(self) -> str:  # noqa: PLE0307  # it does not return
        sys.exit("while it was told")


def forever() -> None:
    forever()


def fail(kind: str) -> None:
    if kind == "RecursionError":
        forever()
    if kind == "Unspeakable":
        raise Unspeakable
    if kind == "SystemExit":
        sys.exit(3)
    if kind == "GroupError":
        raise BaseExceptionGroup("g", [KeyboardInterrupt()])
    raise getattr(builtins, kind)


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "hostile"

    def open(self, params: str) -> object:
        place, _, kind = params.partition(" ")
        self.failing = kind if place == "close" else ""
        if place == "open":
            fail(kind)
        wrong: dict[str, object] = {"None": None, "int": 5, "text": "abc", "self": self}
        if place == "returns":
            return wrong[kind]
        if place == "iterator":
            return Steps(kind)
        return self.events(place, kind)

    def events(self, place: str, kind: str) -> Iterator[object]:
        try:
            if place == "first":
                fail(kind)
            yield b"one"
            if place == "later":
                fail(kind)
            if place == "yields":
                yield {"number": 1j, "object": object(), "large": bytes(9_000_000)}[kind]
            while place != "good":
                yield b"more"
        finally:
            if place == "end":
                fail(kind)

    def close(self, instance: object) -> None:
        if self.failing:
            fail(self.failing)


class Steps:
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> None:
        fail(self.kind)

    def close(self) -> None:
        fail(self.kind)
