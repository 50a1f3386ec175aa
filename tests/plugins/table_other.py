# SPDX-License-Identifier: Apache-2.0
"""Exports a table of numbers, which others change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import (
    Event,
    EventParsing,
    Metric,
    Plugin,
    TableEntry,
    export_table,
    i8,
    i32,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Child(TableEntry):
    n: i8


class P(Plugin, EventParsing):
    parse_event_types = (322,)
    numbers = export_table("numbers", i32, Child)

    def init(self) -> None:
        self.numbers[-7] = {"n": 7}

    def parse_event(self, event: Event) -> None:
        pass

    def get_metrics(self) -> Iterator[Metric]:
        yield Metric("sum", sum(e.n for e in self.numbers.values()), "s64")
