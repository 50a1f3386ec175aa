# SPDX-License-Identifier: Apache-2.0
"""Finding a Python to embed: what is refused, and the one sentence that mends it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "pythons.py"
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


def test_one_of_each_version_is_listed_and_the_unfit_are_passed_over(folder: Path) -> None:
    fake_python(folder, "python3", path="/a", version=[3, 11, 2])
    fake_python(folder, "python3.11", path="/b", version=[3, 11, 9])
    fake_python(folder, "python3.12", path="/c", shared=False)
    fake_python(folder, "python3.13", path="/d", version=[3, 13, 0])
    done = find(folder)
    listed = done.stdout.splitlines()
    assert listed[:2] == ["/a", "/d"]
    assert "/b" not in listed
    assert "/c" not in listed
