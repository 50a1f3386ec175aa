# SPDX-License-Identifier: Apache-2.0
"""Gives audit events of Kubernetes from a file, again and again: split by C, or with json."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import msgspec

from falcokit import Event, EventSource, JsonDocuments, Plugin, here, path, when


class Config(msgspec.Struct):
    declared: bool = True


def nanoseconds(text: str) -> int:
    at = dt.datetime.fromisoformat(text)
    return int(at.timestamp()) * 10**9 + at.microsecond * 1000


class Audit(Plugin, EventSource):
    name, version, contact = "audit", "0.1.0", "bench@example.com"
    description = "Gives audit events."
    plugin_id = 998
    event_source = "bench"
    config: Config

    documents = JsonDocuments(
        split=when(path("/kind") == "EventList", path("/items").each(), here),
        time="/stageTimestamp",
        keep=path("/stage") == "ResponseComplete",
    )

    def open(self, params: str):
        while True:
            with Path(params).open("rb") as file:
                yield from file if self.config.declared else self.parse(file)

    def parse(self, file):
        for line in file:
            document = json.loads(line)
            is_list = document["kind"] == "EventList"
            for event in document["items"] if is_list else [document]:
                if event["stage"] == "ResponseComplete":
                    data = json.dumps(event).encode()
                    yield Event(data, ts_ns=nanoseconds(event["stageTimestamp"]))
