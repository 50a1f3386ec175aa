# SPDX-License-Identifier: Apache-2.0
"""Reads payloads in fields of all kinds, and parses each event before."""

from __future__ import annotations

from falcokit import Event, EventParsing, FieldExtraction, Metric, Plugin, field, json_field, path


class P(Plugin, FieldExtraction, EventParsing):
    extract_event_types = (322, 402)
    parse_event_types = (322, 402)
    parsed = 0

    def parse_event(self, event: Event) -> None:
        self.parsed += 1
        _ = event.params["data" if event.type == 402 else "event_data"]
        _ = event.json  # in parse_event

    def get_metrics(self) -> list[Metric]:
        return [Metric("parsed", self.parsed)]

    key = json_field("h.key", "/key", desc="d")
    number = json_field("h.n", "/n", type=int, desc="d")
    deep = json_field("h.deep", path("/deep").as_json().slice(0, 4), desc="d")
    count = json_field("h.count", path("/many").each().count(), type=int, desc="d")

    @field("h.size", desc="d")
    def size(self, event: Event) -> int:
        return len(event.data)

    @field("h.parsed", desc="d")
    def from_json(self, event: Event) -> str | None:
        return str(event.json["key"])

    @field("h.params", desc="d")
    def from_params(self, event: Event) -> int:
        return len(event.params["data" if event.type == 402 else "event_data"] or b"")
