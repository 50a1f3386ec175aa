# SPDX-License-Identifier: Apache-2.0
"""Fields that fail, or return what they do not say, and one that is good."""

from __future__ import annotations

from falcokit import Event, FieldExtraction, Plugin, field


class P(Plugin, FieldExtraction):
    @field("f.raises", desc="d")
    def raises(self, event: Event) -> str:
        return event.json["missing"]  # type: ignore[no-any-return]

    @field("f.type", desc="d")
    def type(self, event: Event) -> str:
        return 5  # type: ignore[return-value]

    @field("f.item", desc="d")
    def item(self, event: Event) -> list[int]:
        return [1, "2"]  # type: ignore[list-item]

    @field("f.range", desc="d")
    def range(self, event: Event) -> int:
        return -1

    @field("f.exit", desc="d")
    def exit(self, event: Event) -> bool:
        raise SystemExit(3)

    @field("f.deep", desc="d")
    def deep(self, event: Event) -> int:
        return self.deep(event)

    @field("f.good", desc="d")
    def good(self, event: Event) -> str:
        return "a\0b \udcff"
