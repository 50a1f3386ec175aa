# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the declaration of an event source are found by the build, with their line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from plugin_metadata import as_json

from falcokit.build.build_project import describe_project
from falcokit.errors import PluginDefinitionError
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.python, pytest.mark.usefixtures("forked")]

_GOOD = """\
from __future__ import annotations
import msgspec
from falcokit import AsyncEvents, EventSource, Plugin

class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    max_event_size = 1000
    def open(self, params: str):
        yield b"x"
    def close(self, instance): pass
"""
_PROJECT = """\
[project]
name = "wrong"
version = "0.1.0"
description = "A plugin of a test."
authors = [{ name = "Tests", email = "tests@example.com" }]
[tool.falcokit]
plugin = "wrong:P"
"""
#: What is replaced, by what, and the error: the text of its line, and what it says.
WRONG = {
    "id alone": ("    event_source = ", "    other = ", "plugin_id = 999", "no event_source"),
    "source alone": ("    plugin_id = 999\n", "", "event_source =", "and no plugin_id"),
    "reserved source": ('"conform"', '"syscall"', "event_source =", "reserved event source"),
    "name": ('"conform"', '"My Source"', "event_source =", "the event_source 'My Source'"),
    "no name": ('"conform"', "7", "event_source =", "the event_source 7"),
    "negative id": ("999", "-1", "plugin_id =", "the plugin_id -1"),
    "large id": ("999", "2**32", "plugin_id =", "the plugin_id 4294967296"),
    "no number": ("999", '"999"', "plugin_id =", "the plugin_id '999'"),
    "size": ("1000", "0", "max_event_size =", "the max_event_size 0"),
    "large size": ("1000", "2**30", "max_event_size =", "max_event_size 1073741824"),
    "no size": ("1000", "1.5", "max_event_size =", "the max_event_size 1.5"),
    "no open": ("def open(", "def start(", "class P", "has no open"),
    "open misspelled": (
        "def open(", "def opens(", "def opens", "falcokit does not know; did you mean open?"
    ),
    "async open": (
        "def open(self, params: str):\n        yield",
        "async def open(self, params: str):\n        return",
        "async def open", "defines open as async, and Falco does not await it",
    ),
    "no params": ("self, params: str", "self", "def open", "defines open, which Falco cannot call"),
    "unknown params": (": str", ": Nothing", "def open", "name 'Nothing' is not defined"),
    "odd params": (": str", ": Plugin", "def open", "open params that JSON cannot describe"),
    "close": ("self, instance", "self", "def close", "defines close, which Falco cannot call"),
    "no mixin": ("Plugin, EventSource", "Plugin, AsyncEvents", "def open", "Falco never calls it"),
}  # fmt: skip


def _describe(folder: Path, text: str) -> dict[str, Any]:
    (folder / "wrong.py").write_text(text)
    (folder / "pyproject.toml").write_text(_PROJECT)
    return as_json(describe_project(load_project(folder)))


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, case: str) -> None:
    old, new, at, said = WRONG[case]
    text = _GOOD.replace(old, new)
    assert text != _GOOD
    line = next(i for i, each in enumerate(text.splitlines(), 1) if at in each)
    with pytest.raises(PluginDefinitionError, match=re.escape(said)) as raised:
        _describe(tmp_path, text)
    assert (raised.value.file, raised.value.line) == (str(tmp_path / "wrong.py"), line)
    assert raised.value.hint


def test_a_good_one_is_described_and_needs_no_newer_host(tmp_path: Path) -> None:
    found = _describe(tmp_path, _GOOD)
    assert found["capabilities"] == ["source"]
    assert (found["plugin_id"], found["event_source"]) == (999, "conform")
    assert found["required_api_version"] == "3.4.0"
    assert not found["has_list_open_params"]
    assert not found["has_event_to_string"]


@pytest.mark.parametrize(
    "opens",
    [
        "    async def open(self, params):\n        yield b'x'",
        "    def open(self, anything: dict[str, int]):\n        return []",
        "    def open(self, params: int | None = None):\n        return iter(())",
    ],
)
def test_other_forms_of_open_are_good_too(tmp_path: Path, opens: str) -> None:
    old = '    def open(self, params: str):\n        yield b"x"'
    assert old in _GOOD
    assert _describe(tmp_path, _GOOD.replace(old, opens))["plugin_id"] == 999


def test_without_id_and_source_a_plugin_gives_the_hosts_own_events(tmp_path: Path) -> None:
    text = _GOOD.replace("    plugin_id = 999\n", "").replace('    event_source = "conform"\n', "")
    found = _describe(tmp_path, text)
    assert (found["plugin_id"], found["event_source"]) == (0, "")
