# SPDX-License-Identifier: Apache-2.0
"""Everything an event can meet in one plugin, and what the process holds after so many events."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from falcokit import Event, EventParsing, EventSource, FieldExtraction, Plugin, field
from falcokit.runtime.json.field import json_field

PAYLOAD = b'{"key":"the value","number":  7}'  # 32 bytes
STEPS = (1_000_000, 10_000_000, 50_000_000)


class Memory(Plugin, EventSource, FieldExtraction, EventParsing):
    name, version, contact = "memory", "0.1.0", "bench@example.com"
    description = "Gives, parses and extracts."
    plugin_id = 997
    event_source = "memory"
    parse_event_types = ("pluginevent",)

    def init(self):
        self.parsed = 0

    def open(self, params):
        before = 0
        for step in STEPS:
            # In C but for the steps; it is ahead of the host by 8192 events at most.
            yield from itertools.repeat(PAYLOAD, step - before)
            before = step
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.log.info("step %d %d", step, pages * os.sysconf("SC_PAGESIZE"))

    def parse_event(self, event: Event):
        self.parsed += 1

    declared = json_field("m.declared", "/key", desc="What a declaration finds")

    @field("m.method", desc="What a method returns")
    def method(self, event: Event) -> str:
        return f"{len(event.data)} bytes"
