# SPDX-License-Identifier: Apache-2.0
"""The schema of [tool.falcokit] says what `load_project` accepts, key by key and case by case."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import jsonschema
import pytest

from falcokit.errors import ConfigError
from falcokit.project import settings
from falcokit.project.scaffold import generate_project, template_names
from falcokit.project.schema import tool_schema

ROOT = Path(__file__).parents[1]
PLUGIN = 'plugin = "ticker:Ticker"\n'
#: Tables that are right, and tables that are wrong in one thing.
TABLES = [
    (PLUGIN, True),
    ('plugin = "a.b_c.d:E"\n', True),
    ("", False),
    ("plugin = 3\n", False),
    ('plugin = "ticker"\n', False),
    ('plugin = "a-b:C"\n', False),
    ('plugin = "a:C:D"\n', False),
    (PLUGIN + "plugn = 3\n", False),
    (PLUGIN + 'source = "lib"\n', True),
    (PLUGIN + "source = 3\n", False),
    (PLUGIN + "init_config = { a = 1, b = [true] }\n", True),
    (PLUGIN + "init_config = ''\n", True),
    (PLUGIN + "init_config = '@dev.json'\n", True),
    (PLUGIN + "init_config = '@'\n", False),
    (PLUGIN + "init_config = 3\n", False),
    (PLUGIN + 'init_config = "a\\u0000b"\n', False),
    (PLUGIN + "open_params = { a = 1 }\n", True),
    (PLUGIN + "open_params = 'tcp://here'\n", True),
    (PLUGIN + "open_params = ['a']\n", False),
    (PLUGIN + "replay = 'events.scap'\n", True),
    (PLUGIN + "replay = ''\n", False),
    (PLUGIN + "replay = true\n", False),
    (PLUGIN + "package = 3\n", False),
    (PLUGIN + "[package]\ninclude = ['sqlite3']\nexclude = []\nrepository = 'ghcr.io/a'\n", True),
    (PLUGIN + "[package]\nincludes = []\n", False),
    (PLUGIN + "[package]\ninclude = 'sqlite3'\n", False),
    (PLUGIN + "[package]\nexclude = [3]\n", False),
    (PLUGIN + "[package]\nrepository = 3\n", False),
]


def is_valid(table: object) -> bool:
    return jsonschema.Draft7Validator(tool_schema()).is_valid(table)


@pytest.mark.parametrize(("text", "right"), TABLES)
def test_a_table_is_right_for_both_or_for_none(text: str, right: bool, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    assert is_valid(tomllib.loads(text)) is right
    whole = "[tool.falcokit]\n" + text.replace("[package]", "[tool.falcokit.package]")
    (tmp_path / "pyproject.toml").write_text(whole)
    try:
        settings.load_project(tmp_path)
    except ConfigError:
        assert not right
    else:
        assert right


def test_the_keys_are_the_same() -> None:
    schema = tool_schema()
    assert list(schema["properties"]) == list(settings._KEYS)
    package = [field.name for field in dataclasses.fields(settings.PackageSettings)]
    assert list(schema["properties"]["package"]["properties"]) == package
    page = (ROOT / "docs" / "configuration.md").read_text()
    for key in (*settings._KEYS, *package):
        assert key == "package" or re.search(rf"^\| `{key}` \|", page, re.MULTILINE), key


def test_it_is_a_schema_that_says_what_each_key_is_for() -> None:
    jsonschema.Draft7Validator.check_schema(tool_schema())
    package = tool_schema()["properties"]["package"]["properties"]
    for key, value in (tool_schema()["properties"] | package).items():
        assert value["description"].endswith("."), key


@pytest.mark.parametrize("template", template_names())
def test_every_template_and_example_is_right_for_it(template: str, tmp_path: Path) -> None:
    root = generate_project("my-plugin", root=tmp_path / "p", template=template).root
    for file in (root / "pyproject.toml", *ROOT.glob("examples/*/pyproject.toml")):
        assert is_valid(tomllib.loads(file.read_text())["tool"]["falcokit"]), file


def test_it_is_found_by_validate_pyproject() -> None:
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    module, _, function = entry["validate_pyproject.tool_schema"]["falcokit"].partition(":")
    assert (module, function) == (tool_schema.__module__, tool_schema.__name__)
    with pytest.raises(ValueError, match="not of other"):
        tool_schema("other")
