# SPDX-License-Identifier: Apache-2.0
"""What every command says of itself, and what completes it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from falcokit.cli import console
from falcokit.cli.app import app
from falcokit.cli.arguments import COMMANDS, read_arguments
from falcokit.toolchain import command

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_is_one_that_is_read(name: str) -> None:
    examples = COMMANDS[name].examples
    shown = CliRunner().invoke(app, [name, "--help"]).stdout
    assert examples
    for example in examples:
        assert f"    {example}\n" in shown
        program, *words = shlex.split(example)
        assert program == "falcokit"
        assert words[0] == name
        if "--templates" not in words:
            assert read_arguments(words) is not None, example


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("falcokit do", "doctor"), ("falcokit run --from-f", "--from-falco-yaml"),
     ("falcokit run --priority noti", "notice"), ("falcokit --col", "--color")],
)  # fmt: skip
def test_the_shell_completes(words: str, wanted: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "falcokit"], capture_output=True, text=True, check=False,
        env={**os.environ, "_FALCOKIT_COMPLETE": "complete_bash", "COMP_WORDS": words,
             "COMP_CWORD": str(len(words.split()) - 1)},
    )  # fmt: skip
    assert wanted in done.stdout.split(), done.stdout + done.stderr


def test_the_version_has_a_short_option() -> None:
    done = CliRunner().invoke(app, ["-V"])
    assert done.stdout == CliRunner().invoke(app, ["--version"]).stdout


def test_quiet_leaves_only_warnings_and_errors(project: Path) -> None:
    def stderr(*words: str) -> str:
        done = CliRunner().invoke(app, list(words))
        return done.stderr

    assert "Next steps" in stderr("init", "one", "--dir", str(project / "one"))
    assert stderr("init", "two", "-q", "--dir", str(project / "two")) == ""
    assert stderr("-q", "init", "three", "--dir", str(project / "three")) == ""
    assert stderr("-q", "init", "My").startswith("error: ")
    console.warning("still here")


def test_verbose_shows_the_programs_that_are_run(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "observer", None)
    done = CliRunner().invoke(app, ["build", "-v", "-C", str(project)])
    assert " -m falcokit.build.describe" in done.stderr


@pytest.mark.parametrize(("when", "colored"), [("always", True), ("never", False), ("auto", False)])
def test_colour_is_chosen(when: str, colored: bool) -> None:
    done = CliRunner().invoke(app, ["--color", when, "init", "My"], color=True)
    assert ("\x1b[" in done.stderr) is colored


def test_colour_always_goes_before_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert not console.has_color(sys.stderr)
    console.set_color("always")
    assert console.has_color(sys.stderr)


def test_quiet_and_verbose_are_a_mistake() -> None:
    done: Any = CliRunner().invoke(app, ["build", "-q", "-v"])
    assert (done.exit_code, "cannot be combined" in done.stderr) == (3, True)
