# SPDX-License-Identifier: Apache-2.0
"""Fields by methods and by declaration, for events of the C baseline's source."""

from __future__ import annotations

import struct
import threading

import msgspec

from falcokit import Event, FieldExtraction, Plugin, field
from falcokit.runtime.json.field import json_field

unpack = struct.Struct("<Q").unpack_from


class Config(msgspec.Struct):
    burn: bool = False  # a CPU-bound Python thread beside


class Extraction(Plugin, FieldExtraction):
    name, version, contact = "extraction", "0.1.0", "bench@example.com"
    description = "Extracts."
    config: Config

    def init(self):
        if self.config.burn:
            threading.Thread(target=self.burn, daemon=True).start()

    def burn(self):
        n = 0
        while True:
            n = (n * 31 + 7) % 1000003

    @field("x.seq", desc="The number that the baseline's events begin with")
    def seq(self, event: Event) -> int:
        return unpack(event.data)[0]

    @field("x.text", desc="A text")
    def text(self, event: Event) -> str:
        return f"number {unpack(event.data)[0]}"

    @field("x.one", desc="A number that costs nothing")
    def one(self, event: Event) -> int:
        return 1

    @field("x.parsed", desc="What a method finds in the parsed payload")
    def parsed(self, event: Event) -> str | None:
        return event.json.get("key")

    declared = json_field("x.declared", "/key", desc="What a declaration finds there")


# The same in numbers: one payload, parsed once, serves a hundred fields of one event.
for _i in range(100):
    # (self, event) is all that a field's signature may have
    _wrapped = eval(f"lambda self, event: event.json.get('f{_i}')")
    _wrapped.__annotations__ = {"return": "str | None"}
    setattr(Extraction, f"m{_i}", field(f"x.m{_i}", desc="d")(_wrapped))
    setattr(Extraction, f"j{_i}", json_field(f"x.j{_i}", f"/f{_i}", desc="d"))
