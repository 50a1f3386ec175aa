# SPDX-License-Identifier: Apache-2.0
"""The README's Python runs, its links lead somewhere, and its commands exist."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from falcokit import Plugin
from falcokit.cli.app import app
from falcokit.project.scaffold import generate_project
from falcokit.testing import start_plugin

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
README = (ROOT / "README.md").read_text()
BLOCKS = PYTHON_BLOCK.findall(README)


@pytest.mark.parametrize("code", BLOCKS)
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


def test_the_readmes_rule_is_right_for_its_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = generate_project("disk-watch", root=tmp_path / "p").root
    (root / "src" / "disk_watch.py").write_text(BLOCKS[0])
    blocks = re.findall(r"^```yaml\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    (rule,) = [block for block in blocks if block.startswith("- rule:")]
    rules = root / "rules" / "disk-watch_rules.yaml"
    rules.write_text(rule)
    monkeypatch.chdir(root)
    found = CliRunner().invoke(app, ["check"])
    assert (found.exit_code, found.stdout) == (0, "")
    rules.write_text(rule.replace("evt.type", "evt.tpye"))
    assert CliRunner().invoke(app, ["check"]).stdout.strip() in README


def test_the_readme_starts_with_a_plugin() -> None:
    (code,) = BLOCKS
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).is_file(), target


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
