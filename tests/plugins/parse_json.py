# SPDX-License-Identifier: Apache-2.0
"""A source of JSON that its parse_event reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import Event, EventParsing, EventSource, Metric, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


VALUES: list[object] = [
    {"n": 1, "list": [None, True, -2.5e-7, 2**63], "text": '\u00e9\u0000"\\'},
    [],
    ["text"],
    -7,
    {"": {"a": {"b": []}}},
    1.0,
    False,
]


class P(Plugin, EventSource, EventParsing):
    plugin_id, event_source = 999, "conform"
    parse_event_types = (322,)
    parse_event_sources = ("conform",)

    def init(self) -> None:
        self.got: list[bytes] = []

    def open(self, params: str) -> Iterator[object]:
        yield from VALUES

    def parse_event(self, event: Event) -> None:
        if event.json != VALUES[len(self.got)] or event.json is not event.json:
            raise ValueError(f"{event.data!r} came as {event.json!r}")
        self.got.append(event.data)

    def get_metrics(self) -> list[Metric]:
        return [Metric("got", len(self.got))]
