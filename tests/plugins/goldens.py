# SPDX-License-Identifier: Apache-2.0
"""Fields of every type over JSON lines, for the rules of the golden cases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from falcokit import Event, EventSource, FieldExtraction, Plugin, field, json_field, path


class Goldens(Plugin, EventSource, FieldExtraction):
    plugin_id = 999
    event_source = "goldens"

    s = json_field("g.s", "/s", desc="A string")
    t = json_field("g.t", "/t", desc="Another string")
    u = json_field("g.u", "/u", type=int, desc="A number")
    v = json_field("g.v", "/v", type=int, desc="Another number")
    b = json_field("g.b", "/b", type=bool, desc="A boolean")
    ip = json_field("g.ip", "/ip", type="ipaddr", desc="An address")
    net = json_field("g.net", "/net", type="ipnet", desc="A network")
    rel = json_field("g.rel", "/rel", type="reltime", desc="A duration")
    at = json_field("g.at", "/at", type="abstime", desc="A time")
    ls = json_field("g.ls", path("/ls").each(), desc="Strings")
    lu = json_field("g.lu", path("/lu").each(), type=int, desc="Numbers")
    lip = json_field("g.lip", path("/lip").each(), type="ipaddr", desc="Addresses")

    @field("g.key", desc="A string of the map m, by key")
    def key(self, event: Event, key: str) -> str | None:
        found: str | None = event.json.get("m", {}).get(key)
        return found

    @field("g.idx", desc="A string of ls, by index")
    def idx(self, event: Event, index: int) -> str | None:
        values: list[str] = event.json.get("ls", [])
        return values[index] if index < len(values) else None

    def open(self, params: str) -> Iterator[Any]:
        for n, line in enumerate(Path(params).read_text().splitlines()):
            yield Event(line.encode(), ts_ns=1_700_000_000_000_000_000 + n * 1_500_000_000)
