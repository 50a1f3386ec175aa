# SPDX-License-Identifier: Apache-2.0
"""Fields with each kind of argument that there is."""

from __future__ import annotations

from falcokit import Event, FieldExtraction, Plugin, field


class P(Plugin, FieldExtraction):
    @field("a.none", desc="d")
    def none(self, event: Event) -> str:
        return "none"

    @field("a.key", desc="d")
    def key(self, event: Event, key: str) -> str:
        return f"key {key}"

    @field("a.some_key", desc="d")
    def some_key(self, event: Event, key: str | None = None) -> str:
        return f"key {key}"

    @field("a.index", desc="d")
    def index(self, event: Event, index: int) -> list[int]:
        return [index, index + 1]

    @field("a.some_index", desc="d")
    def some_index(self, event: Event, index: int = 7) -> int:
        return index

    @field("a.both", desc="d")
    def both(self, event: Event, which: int | str) -> str:
        return repr(which)

    @field("a.some", desc="d")
    def some(self, event: Event, which: int | str | None = None) -> str:
        return repr(which)
