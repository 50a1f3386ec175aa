# SPDX-License-Identifier: Apache-2.0
"""What an init imports of falcokit: each module costs every Falco time, so only what is used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from drivers import RunnerDrive

if TYPE_CHECKING:
    from conftest import WritePlugin

REPORT = """
    def start_async(self, handler):
        own = (m for m in sys.modules if m.startswith("falcokit.runtime."))
        handler.emit("own", " ".join(sorted(m.removeprefix("falcokit.runtime.") for m in own)))
        known = {"asyncio", "dataclasses", "datetime", "decimal", "enum", "inspect", "ipaddress"}
        known |= {"json", "pathlib", "random", "socket", "urllib"}
        handler.emit("std", " ".join(sorted(known & set(sys.modules))))
"""
PLAIN = f"""
import sys
from falcokit import AsyncEvents, Plugin, async_event

class P(Plugin, AsyncEvents):
    async_events = ("own", "std")
{REPORT}
"""
ALL = f"""
import sys
from falcokit import (AsyncEvents, EventParsing, FieldExtraction, Plugin, TableEntry, export_table,
    json_field, u64)

class Entry(TableEntry):
    n: u64

class P(Plugin, AsyncEvents, EventParsing, FieldExtraction):
    async_events = ("own", "std")
    table = export_table("mine", str, Entry)
    at = json_field("x.at", "/at", desc="At")
    parse_event_types = ("openat",)
    def parse_event(self, event): pass
{REPORT}
"""
#: The rooms, and what is loaded of them.
USUAL = (
    "async_event async_event.background async_event.capability async_event.producers base"
    " base.annotations base.closing base.config base.errors base.logs base.metrics base.plugin"
    " base.stack event event.event event.event_payload host host.author_modules host.callbacks"
    " host.debugging host.development_builds host.plugin_state listen listen.capability parse"
    " parse.capability tables tables.tables"
)
#: Of the standard library; `traceback` of Python itself brings enum, and from 3.15 on pathlib.
STANDARD = "enum" if sys.version_info < (3, 15) else "enum pathlib"


def modules(write_plugin: WritePlugin, text: str) -> tuple[str, str]:
    author = write_plugin(text)
    author.file.write_text(text)  # without the imports that other tests' texts begin with
    said = {event.type: event.data.decode() for event in RunnerDrive()(author, limit=2).events}
    return said["own"], said["std"]


def test_a_plugin_that_emits_imports_no_fields_tables_sources_or_event_table(
    write_plugin: WritePlugin,
) -> None:
    assert modules(write_plugin, PLAIN) == (USUAL, STANDARD)


def test_another_capability_brings_its_own(write_plugin: WritePlugin) -> None:
    more, _ = modules(write_plugin, ALL)
    brought = set(more.split()) - set(USUAL.split())
    assert {"event.table_text", "event.event_types", "extract.capability"} <= brought
    assert {"tables.exported_table", "tables.table_types"} <= brought
    assert {"json.field", "json.operators"} <= brought
    # What the build alone needs stays away, and so do sources.
    assert not brought & {"source.open_source", "source.capability"}
