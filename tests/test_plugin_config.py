# SPDX-License-Identifier: Apache-2.0
"""Where init config and open params come from, the rule of precedence, and each way to be wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from falco_reading import read_configuration

from falcokit.errors import ConfigError
from falcokit.project.falco_yaml import read_entries
from falcokit.project.plugin_config import FalcoYaml, checked_json, plugin_text
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.project.settings import Project

TABLE = '[tool.falcokit]\nplugin = "ticker:Ticker"\n'


def project(folder: Path, text: str = "") -> Project:
    (folder / "pyproject.toml").write_text(TABLE + text)
    return load_project(folder)


def falco_yaml(folder: Path, entry: str) -> None:
    (folder / "falco.yaml").write_text(f"plugins:\n  - name: ticker\n{entry}")


@pytest.mark.parametrize("key", ["init_config", "open_params"])
def test_the_rule_of_precedence(key: str, tmp_path: Path) -> None:
    found = project(tmp_path, f"{key} = 'of pyproject'\n")
    falco_yaml(tmp_path, f"    {key}: of falco.yaml\n")
    asked = FalcoYaml(found)
    spelt = f"--{key.replace('_', '-')}"
    for option, given, wanted in (
        ("of the option", asked, ("of the option", spelt)),
        (None, asked, ("of falco.yaml", f"{tmp_path}/falco.yaml: {key}")),
        (None, None, ("of pyproject", f"{tmp_path}/pyproject.toml: {key}")),
    ):
        text = plugin_text(key, option=option, project=found, falco_yaml=given, name="ticker")
        assert text == wanted
    assert plugin_text(key, option=None, project=project(tmp_path)).text is None


def test_a_falco_yaml_that_says_nothing_is_not_filled_in(tmp_path: Path) -> None:
    found = project(tmp_path, "init_config = { threshold = 0 }\n")
    falco_yaml(tmp_path, "    library_path: x.so\n")
    asked = FalcoYaml(found)
    text = plugin_text("init_config", option=None, project=found, falco_yaml=asked, name="ticker")
    assert text == (None, None)


def test_pyproject_has_a_table_a_text_or_a_file(tmp_path: Path) -> None:
    def text(value: str) -> str | None:
        found = project(tmp_path, f"init_config = {value}\n")
        return plugin_text("init_config", option=None, project=found).text

    assert json.loads(text('{ a = 1, b = ["é"], c = { d = true } }') or "") == {
        "a": 1, "b": ["é"], "c": {"d": True}
    }  # fmt: skip
    assert text("'plain text'") == "plain text"
    (tmp_path / "dev.json").write_text('{"a": 2}')
    assert text("'@dev.json'") == '{"a": 2}'


def test_open_params_of_a_file_have_no_newline_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "params").write_text("tcp://here\n")
    found = project(tmp_path, "open_params = '@params'\n")
    assert plugin_text("open_params", option=None, project=found).text == "tcp://here"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("init_config = 3", "must be a table, or a string without NUL, not 3"),
        ("init_config = { a = 2026-01-01 }", "JSON has not"),
        ("init_config = { a = nan }", "JSON has not"),
        ("init_config = '@'", "names no file"),
        ("init_config = '@nowhere.json'", "nowhere.json cannot be read: No such file"),
        ("init_config = '{'", "pyproject.toml: init_config is not valid JSON"),
        ("open_params = ['a']", "must be a table"),
    ],
)
def test_what_is_wrong_in_pyproject_is_told(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        checked_json(plugin_text("init_config", option=None, project=project(tmp_path, line)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plugins: 3\n", "plugins must be a list of maps"),
        ("- 1\n", "plugins must be a list of maps"),
        ("plugins: [3]\n", "plugins must be a list of maps"),
        ("plugins: [{name: ticker, init_config: [1]}]\n", "is a list, where Falco takes a map"),
        ("plugins: [{name: ticker, open_params: {}}]\n", "open_params of a plugin must be a text"),
        ("plugins: [\n", "not valid YAML"),
        ("plugins: []\n", "has no plugin 'ticker'; it has none"),
        ("plugins: [{name: other}]\n", "has no plugin 'ticker'; it has other"),
        ("a: '${ITSELF}'\n", "variables contain each other"),
        ("a: " + "[" * 200 + "]" * 200, "nested too deeply"),
    ],
)
def test_what_is_wrong_in_falco_yaml_is_told(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITSELF", "${ITSELF}")
    (tmp_path / "falco.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message) as raised:
        FalcoYaml(project(tmp_path)).entry("ticker")
    assert str(tmp_path / "falco.yaml") in raised.value.message


def test_a_missing_falco_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"falco\.yaml cannot be read: No such file"):
        FalcoYaml(project(tmp_path))


@pytest.mark.parametrize(
    ("written", "reaches_the_plugin"),
    [
        ("'{\"a\": \"0123\"}'", {"a": "0123"}),
        ("{a: '0123', b: yes, c: 1.5, d: 0x10}", {"a": 123, "b": True, "c": 1.5, "d": 16}),
        ("{a: [], b: {}, c: off, d: 1e5}", {"a": None, "b": None, "c": False, "d": 100000.0}),
        ("{a: 99999999999, b: 1_000, c: nan, d: inf}",
         {"a": 99999999999.0, "b": "1_000", "d": "inf"}),
        ("{p: '${PWD}/x', q: '$${PWD}', r: '$x ${PWD}'}", {"q": "${PWD}", "r": "$x ${PWD}"}),
    ],
)  # fmt: skip
def test_an_init_config_is_read_as_falco_reads_it(
    written: str, reaches_the_plugin: dict[str, Any], tmp_path: Path
) -> None:
    falco_yaml(tmp_path, f"    init_config: {written}\n")
    text = FalcoYaml(project(tmp_path)).entry("ticker").init_config
    found = json.loads(text or "")
    assert found | reaches_the_plugin == found
    if "p" in found:
        assert found["p"] == f"{tmp_path}/x"


@pytest.mark.parametrize("empty", ["", "''", "{}"])
def test_what_falco_takes_for_nothing_is_nothing(empty: str, tmp_path: Path) -> None:
    falco_yaml(tmp_path, f"    init_config: {empty}\n    open_params: '  '\n")
    entry = read_entries(tmp_path / "falco.yaml", {})["ticker"]
    assert entry.init_config in {None, "null"}
    assert entry.open_params is None


@pytest.mark.parametrize(
    "written",
    [
        "{a: '0123', b: yes, c: 1.5, d: 0x10, e: 1.10, f: 1e5, g: text, h: 'on'}",
        "{a: [], b: {}, c: [1, [x, {d: off}]]}",
        "{p: '${PWD}/x', q: '$${PWD}', r: '$x ${PWD}', s: '${', t: '${NOT_SET}'}",
        "{a: '${TWICE} ${PWD}'}",
        "just ${PWD} text",
    ],
)
def test_it_reads_as_the_falco_of_the_other_tests(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    falco_yaml(tmp_path, f"    library_path: x.so\n    init_config: {written}\n")
    text = (tmp_path / "falco.yaml").read_text()
    monkeypatch.setenv("TWICE", "<${PWD}>")
    environment = {"PWD": str(tmp_path), "TWICE": "<${PWD}>"}
    (loaded,) = read_configuration(text, environment)["plugins"]
    entry = FalcoYaml(project(tmp_path)).entry("ticker")
    found, wanted = entry.init_config, loaded.init_config
    if wanted.startswith("{"):
        found, wanted = json.loads(found or ""), json.loads(wanted)
    assert found == wanted
