# SPDX-License-Identifier: Apache-2.0
"""Fields described by their arguments and by a docstring."""

from __future__ import annotations

from falcokit import AbsTime, Event, FieldExtraction, Plugin, field


class P(Plugin, FieldExtraction):
    @field("d.full", desc="All of it", display="Full", output=True, properties=("info",))
    def full(self, event: Event, key: str) -> list[str]:
        return []

    @field("d.short")
    def short(self, event: Event) -> AT:
        """What it is.

        More of it.
        """
        return 0


AT = AbsTime
