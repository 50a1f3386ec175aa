# SPDX-License-Identifier: Apache-2.0
"""Raises anything in the hook that its config names."""

from __future__ import annotations

import builtins
import functools
import sys

from falcokit import (
    Capture,
    CaptureListening,
    Event,
    EventParsing,
    EventSource,
    FieldExtraction,
    Plugin,
    field,
    json_field,
)


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


KINDS = (
    "ValueError",
    "SystemExit",
    "KeyboardInterrupt",
    "GeneratorExit",
    "RecursionError",
    "MemoryError",
    "StopIteration",
    "Unspeakable",
)


class P(Plugin, EventSource, FieldExtraction, EventParsing, CaptureListening):
    plugin_id = 999
    event_source = "hostile"
    parse_event_types = (322,)
    config: str
    closed = 0

    def open(self, params: str) -> object:
        return ({"n": n} for n in range(400))

    def turn(self, place: str, event: Event) -> None:
        if self.config == place:
            fail(KINDS[event.json["n"] % len(KINDS)])

    def parse_event(self, event: Event) -> None:
        self.turn("parse_event", event)

    def event_to_string(self, event: Event) -> str:
        self.turn("event_to_string", event)
        return "text"

    @field("h.n", desc="d")
    def n(self, event: Event) -> int:
        self.turn("field h.n", event)
        return event.json["n"]  # type: ignore[no-any-return]

    declared = json_field("h.declared", "/n", type=int, desc="d")

    def capture_open(self, capture: Capture) -> None:
        place, _, kind = self.config.partition(" ")
        if place == "capture_open":
            fail(kind)
        if place == "routine":
            for kind in KINDS:
                capture.subscribe(functools.partial(fail, kind))
            capture.wait(0.2)

    def capture_close(self, capture: Capture) -> None:
        if self.config == "capture_close":
            self.closed += 1
            fail(KINDS[self.closed - 1])
