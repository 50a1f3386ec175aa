# SPDX-License-Identifier: Apache-2.0
"""Fields that tell where in the event their values are, and one that does not."""

from __future__ import annotations

from falcokit import Event, FieldExtraction, FieldValue, Plugin, field


class P(Plugin, FieldExtraction):
    extract_event_types = (322, 402)

    @field("o.one", desc="d")
    def one(self, event: Event) -> FieldValue[str]:
        return FieldValue("x", 2, 3)

    @field("o.many", desc="d")
    def many(self, event: Event) -> list[FieldValue[str]]:
        return [FieldValue("a", 0, 1), FieldValue("b", 7, 1), FieldValue("c", 0, 0)]

    @field("o.plain", desc="d")
    def plain(self, event: Event) -> str:
        return "y"

    @field("o.beyond", desc="d")
    def beyond(self, event: Event) -> FieldValue[str]:
        return FieldValue("z", 6, 3)
