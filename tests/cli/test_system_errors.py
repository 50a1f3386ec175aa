# SPDX-License-Identifier: Apache-2.0
"""What the machine refuses is no mistake of falcokit: it is told with the file and what to do."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from falcokit.build.build_project import build
from falcokit.build.glue_library import build_glue
from falcokit.cli.failure import outcome
from falcokit.errors import FalcokitError
from falcokit.project.scaffold import generate_project
from falcokit.project.settings import load_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    generate_project("ticker", root=tmp_path / "ticker")
    return tmp_path / "ticker"


def test_a_file_that_cannot_grow_fails_a_build_with_its_name(project: Path) -> None:
    build_glue()  # in the cache: what follows only copies it

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        [sys.executable, "-m", "falcokit", "build", "-C", project],
        capture_output=True, text=True, timeout=60, check=False, preexec_fn=small_files,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"error: the plugin cannot be built: {project / 'build'}/libfalcokit_glue" in done.stderr
    assert "File too large" in done.stderr
    assert "hint: raise the limit of a file's size" in done.stderr
    assert "bug in falcokit" not in done.stderr
    assert list((project / "build").iterdir()) == []


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EROFS, "make it writable for you, or work on a copy elsewhere"),
        (errno.EACCES, "make it writable for you, or work on a copy elsewhere"),
        (errno.ENOSPC, "free some space there"),
        (errno.EMFILE, "raise the limit of open files (ulimit -n)"),
    ],
)
def test_a_build_that_the_system_refuses(
    project: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    def refuse(path: Path, **_: Any) -> NoReturn:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(FalcokitError) as raised:
        build(load_project(project))
    folder = project / "build"
    text = f"the plugin cannot be built: {folder}: {os.strerror(number)}"
    assert (raised.value.message, raised.value.hint) == (text, hint)


def test_a_file_in_place_of_the_build_folder(project: Path) -> None:
    (project / "build").write_text("")
    with pytest.raises(FalcokitError, match=r"the plugin cannot be built: .*/build: File exists"):
        build(load_project(project))


def test_a_copy_that_fails_leaves_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(_: Path, target: Path) -> NoReturn:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))

    monkeypatch.setattr(shutil, "copyfile", half)
    with pytest.raises(FalcokitError, match="No space left on device"):
        build(load_project(project))
    assert list((project / "build").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/x"),
            "the system refuses: /x: No space",
        ),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "refuses: Resource"),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
            "hint: there is no folder for temporary files",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "/x"), "bug in falcokit"),
    ],
)
def test_a_command_that_the_system_refuses(
    capsys: pytest.CaptureFixture[str], error: OSError, text: str
) -> None:
    def command() -> NoReturn:
        raise error

    assert outcome(command, as_json=False) == 1
    assert text in capsys.readouterr().err
