# SPDX-License-Identifier: Apache-2.0
"""The README's Python runs, its links lead somewhere, and its commands exist."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest
from only_pytest import run_tests
from typer.testing import CliRunner

from falcokit import Plugin
from falcokit.cli.app import app
from falcokit.project.scaffold import generate_project
from falcokit.testing import start_plugin
from tools.terminal_picture import PICTURE, terminal_picture

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
README = (ROOT / "README.md").read_text()
BLOCKS = PYTHON_BLOCK.findall(README)
PLUGINS = [block for block in BLOCKS if "class " in block]


@pytest.mark.parametrize("code", PLUGINS)
def test_a_python_block_of_the_readme_is_a_plugin_that_works(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("readme_block")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "README.md", "exec"), module.__dict__)
    plugins = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Plugin) and value is not Plugin
    ]
    (plugin,) = plugins
    with start_plugin(plugin) as running:
        assert running.next_event(timeout=10.0).name == "disk_usage"


@pytest.fixture
def disk_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's project, as who follows it has it."""
    root = generate_project("disk-watch", root=tmp_path / "p").root
    code, test = BLOCKS
    rule = next(block for block in blocks_of("yaml") if block.startswith("- rule:"))
    (root / "src" / "disk_watch.py").write_text(code)
    (root / "tests" / "test_disk_watch.py").write_text(test)
    (root / "rules" / "disk-watch_rules.yaml").write_text(rule)
    monkeypatch.chdir(root)
    return root


def blocks_of(kind: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{kind}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return found


def test_the_readmes_journey_ends_with_tests_that_pass(disk_watch: Path) -> None:
    run_tests(disk_watch)
    for command in ("build", "check", "info --markdown", "run -n 2 --record disk.scap"):
        done = CliRunner().invoke(app, command.split())
        assert done.exit_code == 0, done.output
    assert "disk_usage" in CliRunner().invoke(app, ["inspect", "disk.scap"]).stdout


def test_the_readme_lists_the_files_of_a_new_project(tmp_path: Path) -> None:
    made = generate_project("disk-watch", root=tmp_path / "p")
    shown = "".join(blocks_of("console"))
    assert "".join(f"disk-watch/{file}\n" for file in made.files) in shown


def test_the_readmes_rule_is_right_for_its_plugin(disk_watch: Path) -> None:
    rules = disk_watch / "rules" / "disk-watch_rules.yaml"
    rule = rules.read_text()
    found = CliRunner().invoke(app, ["check"])
    assert (found.exit_code, found.stdout) == (0, "")
    rules.write_text(rule.replace("evt.type", "evt.tpye"))
    assert CliRunner().invoke(app, ["check"]).stdout.strip() in README


def test_the_readme_starts_with_a_plugin() -> None:
    (code,) = PLUGINS
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).is_file(), target


def test_the_picture_of_the_start_is_that_of_the_page() -> None:
    page = (ROOT / "docs" / "getting-started.md").read_text()
    assert PICTURE.read_text() == terminal_picture(page), "run make generated"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_is_shown_exists(page: Path) -> None:
    known: dict[str, str] = {}
    text = page.read_text()
    fenced = "".join(re.findall(r"^```\w*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    shown = fenced + "\n".join(line for line in text.splitlines() if line.startswith("    "))
    for command, rest in re.findall(r"^\s*(?:\$ )?falcokit ([a-z]+)(.*)$", shown, re.MULTILINE):
        if command == "test":  # its options are pytest's
            continue
        if command not in known:
            known[command] = CliRunner().invoke(app, [command, "--help"]).stdout
        assert known[command].startswith("Usage: "), command
        for option in re.findall(r"--[a-z-]+", rest.partition("#")[0]):
            assert option in known[command], f"{command} {option}"
