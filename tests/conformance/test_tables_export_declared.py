# SPDX-License-Identifier: Apache-2.0
"""Exported tables that are declared wrong: found by the build, at the author's line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drivers import build_error
from test_tables_export import ENTRIES

if TYPE_CHECKING:
    from conftest import WritePlugin

CLASS = "class P(Plugin, EventParsing):\n    def parse_event(self, event): pass\n"
LISTENS = "class P(Plugin, falcokit.CaptureListening):\n    def capture_open(self, c): pass\n"
TABLE = "    t = export_table('x', str, {entry})"
WRONG = [
    ("int", None, "int is not a subclass of falcokit.TableEntry"),
    ("Added", "    score: u64", "added() is only for imported tables"),
    ("Big", "    small: u8", "the default 256 does not fit u8"),
    ("Odd", "    odd: str = 1", "the default 1 is not of type str"),
    ("Same", "    two: Annotated", "there are two fields 'one'"),
    ("Tabled", "    rows: Table", "MutableMapping[key, entry]"),
    ("Real", "    real: float", "float is not a type of tables"),
    ("Slots", None, "__slots__"),
    ("Hash, 1", None, "takes 3 positional arguments but 4"),
    ("Many", None, "Many has 129 fields, more than 128"),
]
CLASSES = """
class Added(TableEntry):
    score: u64 = added()
class Big(TableEntry):
    small: u8 = 256
class Odd(TableEntry):
    odd: str = 1
class Same(TableEntry):
    one: u8
    two: Annotated[u8, "one"]
class Tabled(TableEntry):
    rows: Table[u64, Child]
class Real(TableEntry):
    real: float
class Many(TableEntry):
    __annotations__ = {f"f{n}": "u8" for n in range(129)}
class Slots(TableEntry):
    __slots__ = ("more",)
"""


@pytest.mark.parametrize(("entry", "at", "text"), WRONG, ids=[row[0] for row in WRONG])
def test_a_wrong_entry_is_told_with_its_line(
    write_plugin: WritePlugin, entry: str, at: str | None, text: str
) -> None:
    line = TABLE.format(entry=entry)
    author = write_plugin(ENTRIES + CLASSES + CLASS + line + "\n")
    error = build_error(author)
    assert text in f"{error} {error.hint}"
    assert str(error).startswith(author.at(at or line) + ": ")


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("export_table('', str, Hash)", "the name of a table must be a str without NUL, not ''"),
        ("export_table('x', float, Hash)", "float is not a type of tables"),
        ("export_table('mine', str, Child)", "exports the table 'mine' that it imports as theirs"),
        ("export_table('y', str, Hash)", "exports two tables 'y': first and t"),
    ],
)
def test_a_wrong_table_is_told_with_its_line(
    write_plugin: WritePlugin, declared: str, text: str
) -> None:
    first = "    first = export_table('y', str, Hash)\n"
    first += "    theirs = falcokit.import_table('mine', str, Child)\n"
    body = CLASS + first + f"    t = {declared}\n"
    error = build_error(author := write_plugin(ENTRIES + body))
    assert text in str(error)
    assert str(error).startswith(author.at(f"    t = {declared}") + ": ")


def test_a_plugin_that_falco_gives_no_tables_is_told_so(write_plugin: WritePlugin) -> None:
    line = TABLE.format(entry="Hash")
    author = write_plugin(ENTRIES + LISTENS + line + "\n")
    error = build_error(author)
    assert "P exports a table, and Falco gives tables only to plugins" in str(error)
    assert str(error).startswith(author.at(line) + ": ")
