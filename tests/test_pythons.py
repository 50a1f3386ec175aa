# SPDX-License-Identifier: Apache-2.0
"""Finding a Python to embed: what is refused, and the one sentence that mends it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import pythons

ROOT = Path(__file__).parent.parent
SCRIPT = Path(pythons.__file__)
GOOD = {
    "path": "/opt/python",
    "version": [3, 12, 1],
    "cpython": True,
    "shared": True,
    "headers": True,
    "venv": True,
}


def find(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(folder), "HOME": str(folder), **environ}
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def fake_python(folder: Path, name: str, **said: Any) -> Path:
    """A program that answers the script's question as told."""
    path = folder / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({**GOOD, **said})}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for program in ("cat", "cc"):
        found = shutil.which(program)
        assert found is not None
        (tmp_path / program).symlink_to(found)
    return tmp_path


def test_the_python_of_this_suite_is_one(folder: Path) -> None:
    done = find(folder, PYTHON=sys.executable)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [sys.executable]


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ({"version": [3, 10, 4]}, "older than 3.11; choose a newer one with PYTHON="),
        ({"cpython": False}, "is not CPython"),
        ({"shared": False}, "PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.12.1"),
        ({"headers": False}, "sudo apt-get install python3.12-dev"),
        ({"venv": False}, "sudo apt-get install python3.12-venv"),
    ],
)
def test_an_unfit_python_is_one_sentence(folder: Path, said: dict[str, Any], part: str) -> None:
    python = fake_python(folder, "python3", **said)
    done = find(folder, "--check", PYTHON=str(python))
    assert done.returncode == 5
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert part in done.stderr


def test_a_python_that_does_not_run_is_told(folder: Path) -> None:
    done = find(folder, PYTHON="nowhere")
    assert (done.returncode, done.stderr) == (5, "error: PYTHON=nowhere does not run\n")


def test_a_missing_compiler_is_told_before_the_python(folder: Path) -> None:
    (folder / "cc").unlink()
    done = find(folder, "--check", PYTHON="nowhere")
    assert done.returncode == 5
    assert "no C compiler; install one: sudo apt-get install gcc" in done.stderr


def test_one_of_each_release_is_listed_and_the_unfit_are_passed_over(folder: Path) -> None:
    fake_python(folder, "python3", path="/a", version=[3, 11, 2])
    fake_python(folder, "python3.11", path="/b", version=[3, 11, 9])
    fake_python(folder, "python3.12", path="/c", shared=False)
    fake_python(folder, "python3.13", path="/d", version=[3, 13, 0])
    fake_python(folder, "python3.14", path="/e", version=[3, 11, 2])
    listed = find(folder).stdout.splitlines()
    assert listed[:3] == ["/a", "/b", "/d"]
    assert not {"/c", "/e"} & {*listed}


def test_the_suite_is_whole_on_the_oldest_and_the_newest_comes_next(folder: Path) -> None:
    versions = ([3, 13, 0], [3, 11, 9], [3, 12, 3], [3, 11, 1], [3, 98, 1], [3, 13, 4], [3, 99, 0])
    launched = folder / "launched"
    launched.mkdir()
    for number, version in enumerate(versions):
        name = f"python3.{50 + number}"
        fake_python(launched, name, path=f"/{number}", version=version)
    done = find(folder, "--suite", FALCOKIT_PYTHONS_DIR=str(launched))
    lines = [line.split() for line in done.stdout.splitlines()]
    # This machine's own are between them.
    parts = {part: [(v, path) for p, v, path in lines if p == part] for part, _, _ in lines}
    assert parts["whole"] == [("3.11.1", f"{launched}/python3.53")]
    assert parts["python"] == [("3.99.0", f"{launched}/python3.56")]
    minors = [version.rpartition(".")[0] for version, _ in parts["smoke"]]
    assert len(minors) == len({*minors})
    assert {"3.12", "3.13", "3.98"} <= {*minors}
    assert "3.11" not in minors
    assert ("3.13.4", f"{launched}/python3.55") in parts["smoke"] or parts["smoke"][1][0] > "3.13.4"


def test_every_supported_python_is_on_the_machine_of_ci() -> None:
    if os.environ.get("CI") != "true":
        pytest.skip("only CI has them all")
    env = {key: value for key, value in os.environ.items() if key != "PYTHON"}
    command = [sys.executable, SCRIPT, "--suite"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines()]
    minors = {tuple(map(int, version.split(".")[:2])) for _, version, _ in lines}
    assert minors >= {*pythons.SUPPORTED}
    # Debian 12's own: the oldest patch release that a distribution ships.
    assert next(version for part, version, _ in lines if part == "whole") == "3.11.2"


def test_what_is_promised_is_what_is_tested() -> None:
    names = [f"{major}.{minor}" for major, minor in pythons.SUPPORTED]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    classified = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert classified == names
    assert project["requires-python"] == f">={names[0]}"
    told = f"CPython {names[0]} to {names[-1]}"
    for page in ("README.md", "docs/getting-started.md"):
        assert told in (ROOT / page).read_text(), page
