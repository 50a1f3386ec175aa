# SPDX-License-Identifier: Apache-2.0
"""`falcokit test`: builds, then pytest has the process, its arguments and its exit code."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from falcokit.cli import test as command
from falcokit.cli.options import TestOptions
from falcokit.errors import ToolMissingError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.python

ONE = """
def test_passes(): pass
def test_fails(): assert False
"""


def falcokit_test(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "falcokit", "test", *arguments],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_pytest_has_the_arguments_and_the_exit_code(project: Path, tmp_path: Path) -> None:
    (project / "tests" / "test_one.py").write_text(ONE)
    passed = falcokit_test(
        "-C", str(project), "-q", "-k", "passes", "tests/test_one.py", cwd=tmp_path
    )
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "1 passed, 1 deselected" in passed.stdout
    assert (project / "build" / "libload-watch.so").is_file()
    assert falcokit_test("tests/test_one.py", cwd=project).returncode == 1
    assert falcokit_test("-k", "none_of_them", cwd=project).returncode == 5
    assert falcokit_test("--no-such-option", cwd=project).returncode == 4


def test_what_cannot_be_built_is_not_tested(project: Path) -> None:
    file = project / "src" / "load_watch.py"
    file.write_text(file.read_text() + "\nimport nowhere_at_all\n")
    done = falcokit_test(cwd=project)
    assert done.returncode == 4
    assert "nowhere_at_all" in done.stderr
    assert done.stdout == ""


def test_a_missing_pytest_is_a_sentence_with_the_next_step(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    with pytest.raises(ToolMissingError, match="there is no pytest in the Python") as raised:
        command.test(TestOptions(project=project))
    assert raised.value.hint == f"install it: {sys.executable} -m pip install pytest"
