# SPDX-License-Identifier: Apache-2.0
"""What a first build from a clone compiles is told, since a person waits for it; once."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from falcokit.build.glue_library import build_glue
from falcokit.project.scaffold import generate_project
from falcokit.runner.program import build_runner

if TYPE_CHECKING:
    from pathlib import Path

TOLD = "compiling the entry library (once)"
ALTERNATE_SCREEN = b"\x1b[?1049h"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """With a cache that lacks the entry library alone, which takes a second."""
    cache = tmp_path / "cache" / "falcokit"
    cache.mkdir(mode=0o700, parents=True)
    for file in (build_glue(), build_runner()):
        shutil.copy2(file, cache)
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "TERM": "xterm-256color"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return generate_project("first", root=tmp_path / "first").root


def test_a_first_build_says_what_it_compiles(project: Path, environ: dict[str, str]) -> None:
    def build() -> tuple[bool, list[str]]:
        done = subprocess.run(
            [sys.executable, "-m", "falcokit", "build", "-C", project, "--json"],
            env=environ, capture_output=True, text=True, check=True,
        )  # fmt: skip
        told = [line for line in done.stderr.splitlines() if line.startswith("compiling ")]
        return json.loads(done.stdout)["compiled"], told

    assert build() == (True, [TOLD])
    assert build() == (False, [])


def test_dev_says_it_before_the_screen_covers_it(project: Path, environ: dict[str, str]) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "falcokit", "dev", "-C", project, "--duration", "0.2"],
        env=environ, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    written = b""
    with contextlib.suppress(OSError):  # the terminal's end: all programs in it have ended
        while data := os.read(master, 65536):
            written += data
    os.close(master)
    assert process.wait(30) == 0, written
    before, screen, _ = written.partition(ALTERNATE_SCREEN)
    assert screen
    assert before.decode().splitlines() == [TOLD]
