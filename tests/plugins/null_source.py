# SPDX-License-Identifier: Apache-2.0
"""A source without events, with every hook that a source can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import Event, EventSource, FieldExtraction, Plugin, field

if TYPE_CHECKING:
    from collections.abc import Iterator


class Opened:
    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def progress(self) -> float:
        return 0.5


class P(Plugin, EventSource, FieldExtraction):
    plugin_id, event_source = 999, "conform_source"

    def open(self, params: str) -> Opened:
        return Opened()

    def list_open_params(self) -> list[str]:
        return []

    def event_to_string(self, event: Event) -> str:
        return "text"

    @field("conform.x")
    def x(self, event: Event) -> int:
        "A field."
        return 1
