# SPDX-License-Identifier: Apache-2.0
"""Imported tables in the hooks besides parse_event: fields read, capture listening also writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from author import plugin

from falcokit.errors import PluginDefinitionError

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Plughost

SAMPLE = Path(__file__).parents[1] / "capture" / "samples" / "curl_google.scap"
HEAD = """
from falcokit import (CaptureListening, FieldExtraction, TableEntry, TableError, added, field, i64,
    import_table, u64)
class Process(TableEntry):
    comm: str
    score: u64 = added()
"""


@pytest.mark.host
def test_fields_read_tables_and_cannot_write_them(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """P5"""
    author = write_plugin(plugin("table_fields"))
    answer = plughost.raw(
        "--plugin", author.library, "--scap", SAMPLE, "--log", "--filter", "conform.comm=curl"
    )
    assert not answer.get("error"), answer
    assert answer["cycles"][0]["events"]["count"] > 10
    said = " ".join(answer["log"])
    refusal = "while fields are extracted tables can only be read"
    assert f"said {refusal}" in said
    assert f"also {refusal}" in said


@pytest.mark.host
def test_capture_hooks_read_and_write_tables(plughost: Plughost, write_plugin: WritePlugin) -> None:
    """P5, L1"""
    author = write_plugin(plugin("table_capture_hooks"))
    answer = plughost.raw("--plugin", author.library, "--scap", SAMPLE, "--log")
    assert not answer.get("error"), answer
    said = " ".join(answer["log"])
    assert "('mine', 7)" in said
    assert "('sysdig', 0)" in said  # of the file
    assert "close curl" in said
    assert "said tables can be used in init" in said


@pytest.mark.parametrize(
    ("bases", "declared", "text"),
    [
        ("AsyncEvents, EventParsing", 'import_table("t", float, Process)', "float is not a type"),
        ("EventParsing", 'import_table("t", i64, Bad)', "x: list is not a type of tables"),
        ("EventParsing", 'import_table("t", i64, str)', "str is not a subclass"),
        ("EventParsing", 'import_table("t", i64, Untyped)', "opened: it has no type"),
        ("EventParsing", 'import_table("t", i64, Taken)', "release: every entry has this"),
        (
            "CaptureListening",
            'import_table("t", i64, Process)',
            "Falco gives tables only to",
        ),
    ],
)
def test_a_declaration_is_checked_at_build_with_its_line(
    write_plugin: WritePlugin, bases: str, declared: str, text: str
) -> None:
    hooks = {
        "AsyncEvents": "    async_events = ('x',)\n    def start_async(self, handler): pass\n",
        "EventParsing": "    def parse_event(self, event): pass\n",
        "CaptureListening": "    def capture_open(self, capture): pass\n",
    }
    author = write_plugin(
        f"{HEAD}class Bad(TableEntry):\n    x: list\nclass Untyped(TableEntry):\n"
        "    opened = added()\nclass Taken(TableEntry):\n    release: str\n"
        f"class P(Plugin, {bases}):\n"
        f"    table = {declared}\n" + "".join(hooks[base] for base in bases.split(", "))
    )
    with pytest.raises(PluginDefinitionError) as caught:
        _ = author.library
    assert text in str(caught.value)
    assert str(caught.value).startswith(f"{author.at('table = ')}: ")
