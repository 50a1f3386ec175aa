# SPDX-License-Identifier: Apache-2.0
"""A new project: names, files, refusals. That it works is tested in tests/cli/test_journey.py."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from falco_reading import read_configuration
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from falcokit.cli.app import app
from falcokit.cli.arguments import read_arguments
from falcokit.errors import ConfigError
from falcokit.project.names import (
    EVENT_NAME_MAX,
    check_plugin_name,
    class_name,
    event_name,
    module_name,
)
from falcokit.project.scaffold import generate_project, template_names
from falcokit.project.settings import load_project

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["a", "ticker", "my-plugin", "my_plugin2", "a--b", "x-", "x" * 64])
def test_a_name_that_falcoctl_takes_is_taken(name: str) -> None:
    check_plugin_name(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "is not a valid plugin name"),
        ("My", "is not a valid plugin name"),
        ("1x", "is not a valid plugin name"),
        ("-x", "is not a valid plugin name"),
        ("a b", "is not a valid plugin name"),
        ("a/b", "is not a valid plugin name"),
        ("..", "is not a valid plugin name"),
        ("é", "is not a valid plugin name"),
        ("a\n", "is not a valid plugin name"),
        ("my-rules", "contains 'rules'"),
        ("rulesx", "contains 'rules'"),
        ("class", "a Python keyword"),
        ("none", "a Python keyword"),  # class None
        ("json", "would hide the Python module"),
        ("test", "would hide the Python module"),
        ("falcokit", "would hide the Python module"),
        ("x" * 65, "too long"),
    ],
)
def test_a_bad_name_writes_nothing(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        generate_project(name)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_name_comes_with_a_better_one() -> None:
    with pytest.raises(ConfigError) as raised:
        check_plugin_name("My Plugin")
    assert "try my-plugin" in (raised.value.hint or "")


@given(st.from_regex(r"[a-z]+[a-z0-9_-]{0,63}", fullmatch=True))
def test_every_good_name_gives_good_python_and_event_names(name: str) -> None:
    try:
        check_plugin_name(name)
    except ConfigError:
        return
    assert module_name(name).isidentifier()
    assert class_name(name).isidentifier()
    assert len(event_name(name, "alert").encode()) <= EVENT_NAME_MAX


def test_the_files_are_those_a_plugin_needs(tmp_path: Path) -> None:
    made = generate_project("my-plugin", root=tmp_path / "p")
    assert [str(path) for path in made.files] == [
        ".github/dependabot.yml",
        ".github/workflows/ci.yml",
        ".github/workflows/release.yml",
        ".gitignore",
        ".pre-commit-config.yaml",
        ".vscode/launch.json",
        "LICENSE",
        "README.md",
        "falco.yaml",
        "pyproject.toml",
        "rules/my-plugin_rules.yaml",
        "src/my_plugin.py",
        "tests/test_my_plugin.py",
    ]
    on_disk = {p.relative_to(made.root) for p in made.root.rglob("*") if p.is_file()}
    assert on_disk == set(made.files)


def test_a_new_project_loads(tmp_path: Path) -> None:
    made = generate_project("my-plugin", root=tmp_path / "p")
    project = load_project(made.root)
    assert project.plugin == "my_plugin:MyPlugin"
    assert project.source_dir == made.root / "src"
    assert project.name == "my-plugin"
    assert project.contact == "you@example.com"


@pytest.mark.parametrize("name", ["x", "my-plugin", "x" * 64])
def test_rendered_files_are_whole(name: str, tmp_path: Path) -> None:
    made = generate_project(name, root=tmp_path / "p")
    for path in made.files:
        text = (made.root / path).read_text()
        # GitHub's expressions, shell variables, and what Falco puts in place.
        is_ours = path.suffix in {".yml", ".yaml", ".json"} or path.name == "README.md"
        assert is_ours or "$" not in text, path
        assert "$$" not in text, path
        assert all(len(line) <= 250 for line in text.splitlines())
        if path.suffix == ".py":
            ast.parse(text)
        if path.suffix == ".toml":
            tomllib.loads(text)


@pytest.mark.parametrize("template", template_names())
def test_a_new_project_starts_clean(template: str, tmp_path: Path) -> None:
    made = generate_project("my-plugin", root=tmp_path / "p", template=template)
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "."],
            cwd=made.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_project_has_types_that_hold(tmp_path: Path) -> None:
    # All templates in one run, for which their modules have names of their own.
    sources = []
    for template in template_names():
        root = tmp_path / template
        generate_project(f"my-{template}", root=root, template=template)
        sources.append(str(root / "src"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache")),
            *(str(file) for file in sorted(tmp_path.rglob("*.py"))),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "MYPYPATH": ":".join(sources)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_run_commands_that_exist(tmp_path: Path) -> None:
    root = generate_project("my-plugin", root=tmp_path / "p").root
    found = []
    for file in sorted((root / ".github" / "workflows").iterdir()):
        jobs = yaml.safe_load(file.read_text())["jobs"]
        steps = [step for job in jobs.values() for step in job["steps"]]
        for text in (step["run"] for step in steps if "run" in step):
            for part in re.split(r"&&|\n|\||\$\(|>", text.replace("\\\n", "")):
                words = shlex.split(part) if part.strip().startswith("falcokit ") else []
                assert not words or read_arguments(words[1:]) is not None, part
                found += words[1:2]
    assert {"doctor", "check", "info", "test", "package", "publish"} == set(found)
    # The names of files in the release are those of `falcokit package`.
    release = (root / ".github" / "workflows" / "release.yml").read_text()
    name = "my-plugin-${{ steps.tag.outputs.version }}-linux-aarch64"
    assert f"subject-path: dist/{name}.tar.gz\n" in release
    assert f"sbom-path: dist/{name}.spdx.json\n" in release


def test_what_is_for_a_team_is_whole(tmp_path: Path) -> None:
    root = generate_project("my-plugin", root=tmp_path / "p").root
    assert (root / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    attach, _ = json.loads((root / ".vscode" / "launch.json").read_text())["configurations"]
    assert (attach["request"], attach["connect"]["port"]) == ("attach", 5678)
    updates = yaml.safe_load((root / ".github" / "dependabot.yml").read_text())["updates"]
    assert {each["package-ecosystem"] for each in updates} == {"github-actions", "pip"}


@pytest.mark.parametrize("folder", ["p", "of $HOME", 'it\'s "here"'])
def test_falco_yaml_goes_with_its_folder(folder: str, tmp_path: Path) -> None:
    made = generate_project("ticker", root=tmp_path / "made")
    root = made.root.rename(tmp_path / folder)
    text = (root / "falco.yaml").read_text()
    assert str(tmp_path) not in text
    found = read_configuration(text, {"HOME": "/root", "PWD": str(root)})
    assert found["plugins"][0].library_path == f"{root}/build/libticker.so"
    assert found["rules_files"] == [f"{root}/rules/ticker_rules.yaml"]


def test_the_rules_name_what_the_plugin_emits(tmp_path: Path) -> None:
    made = generate_project("my-plugin", root=tmp_path / "p")
    rules = (made.root / "rules" / "my-plugin_rules.yaml").read_text()
    code = (made.root / "src" / "my_plugin.py").read_text()
    assert "condition: evt.type = my_plugin_alert\n" in rules
    assert '@async_event("my_plugin_alert"' in code
    assert "  source: syscall\n" in rules
    assert "  - name: my-plugin\n    version: 0.1.0\n" in rules


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(ConfigError, match="is not empty") as raised:
        generate_project("ticker", root=tmp_path)
    assert "--force" in (raised.value.hint or "")
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_force_writes_beside_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    generate_project("ticker", root=tmp_path, force=True)
    assert (tmp_path / "mine").read_text() == "kept"
    assert (tmp_path / "pyproject.toml").is_file()


def test_force_does_not_take_a_file_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "src").write_text("a file")
    with pytest.raises(ConfigError, match="is a file, but a folder"):
        generate_project("ticker", root=tmp_path, force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["src"]


def test_a_target_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(ConfigError, match="is a file"):
        generate_project("ticker", root=tmp_path / "f")


def test_an_unknown_template_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no template 'nope'") as raised:
        generate_project("ticker", root=tmp_path / "p", template="nope")
    assert raised.value.hint == f"the templates are {', '.join(template_names())}"
    assert "async" in template_names()
    assert not (tmp_path / "p").exists()


def test_a_template_cannot_be_a_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no template"):
        generate_project("ticker", root=tmp_path / "p", template="../async")


def test_the_templates_are_listed_with_what_they_do() -> None:
    done = CliRunner().invoke(app, ["init", "--templates"])
    assert done.exit_code == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert [name for name, _ in lines] == list(template_names())
    assert all(what.endswith(".") for _, what in lines)
    shown = CliRunner().invoke(app, ["init", "--help"]).stdout
    assert all(name in shown for name in template_names())
