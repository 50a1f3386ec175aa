# SPDX-License-Identifier: Apache-2.0
"""`run`, `dev` and `falcokit test` give a plugin what pyproject.toml or falco.yaml say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from falcokit.cli.app import app
from falcokit.project.scaffold import generate_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLUGIN = """\
import msgspec
from falcokit import EventSource, Plugin

class Params(msgspec.Struct):
    word: str = "none"

class Config(msgspec.Struct):
    word: str = "none"

class Echo(Plugin, EventSource):
    event_source, plugin_id = "echo", 999
    config: Config

    def open(self, params: Params):
        yield f"{self.config.word} {params.word}"
"""
TEST = """\
def test_the_projects_config_is_given(plugin):
    assert plugin.plugin.config.word == "pyproject"
"""


@pytest.fixture(scope="module")
def echo(shared: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = generate_project(
        "echo", root=tmp_path_factory.mktemp("echo") / "p", template="source"
    ).root
    (root / "src" / "echo.py").write_text(PLUGIN)
    for file in (root / "tests").glob("*.py"):
        file.unlink()
    (root / "tests" / "test_config.py").write_text(TEST)
    for file in (root / "rules").glob("*.yaml"):
        file.unlink()
    pyproject = root / "pyproject.toml"
    text = pyproject.read_text().replace(
        "[tool.falcokit]\n", '[tool.falcokit]\ninit_config = { word = "pyproject" }\n'
    )
    lines = [line for line in text.splitlines() if not line.startswith("open_params")]
    text = "\n".join(lines).replace(
        "[tool.falcokit]\n", "[tool.falcokit]\nopen_params = '@params.json'\n"
    )
    pyproject.write_text(text + "\n")
    (root / "params.json").write_text('{"word": "file"}\n')
    (root / "falco.yaml").write_text(
        "plugins:\n  - name: echo\n    library_path: x\n    init_config:\n      word: falco\n"
    )
    return root


def said(command: str, echo: Path, *options: str) -> str:
    done = CliRunner().invoke(app, [command, "-C", str(echo), *options, "--json"])
    assert done.exit_code == 0, done.output
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    events = [r["data"] for r in reports if r["report"] == "event"] or [
        r["last"]["data"] for r in reports if r["report"] == "stats" and r.get("last")
    ]
    return str(events[0])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ([], "pyproject file"),
        (["--from-falco-yaml"], "falco none"),
        (["--from-falco-yaml", "--open-params", '{"word": "option"}'], "falco option"),
        (["--init-config", '{"word": "option"}'], "option file"),
    ],
    ids=" ".join,
)
def test_run_follows_the_rule(options: list[str], word: str, echo: Path) -> None:
    assert said("run", echo, *options) == word


def test_dev_follows_it_too(echo: Path) -> None:
    assert said("dev", echo, "--duration", "1") == "pyproject file"
    assert said("dev", echo, "--from-falco-yaml", "--duration", "1") == "falco none"


def test_the_origin_is_shown_to_who_asks(echo: Path) -> None:
    done = CliRunner().invoke(app, ["run", "-v", "-C", str(echo)])
    assert f"init config: {echo}/pyproject.toml: init_config\n" in done.stderr
    assert f"open params: {echo}/params.json\n" in done.stderr


def test_a_library_has_no_falco_yaml(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["run", str(tmp_path / "x.so"), "--from-falco-yaml"])
    assert done.exit_code == 3
    assert "LIB.so has none" in done.stderr


def test_a_projects_tests_get_its_config(echo: Path) -> None:
    from only_pytest import run_tests

    run_tests(echo)
