# SPDX-License-Identifier: Apache-2.0
"""Declared fields for JSON events, on which the benchmark of rules runs."""

from __future__ import annotations

from falcokit import EventSource, FieldExtraction, Plugin, json_field


class Ruled(Plugin, EventSource, FieldExtraction):
    name, version, contact = "ruled", "0.1.0", "bench@example.com"
    description = "Events with fields for rules."
    plugin_id = 998
    event_source = "ruled"

    user = json_field("r.user", "/user", desc="Who did it")
    path = json_field("r.path", "/path", desc="What was touched")
    verb = json_field("r.verb", "/verb", desc="What was done")
    code = json_field("r.code", "/code", type=int, desc="How it ended")

    def open(self, params):
        yield from ()
