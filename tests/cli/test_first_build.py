# SPDX-License-Identifier: Apache-2.0
"""What a first build from a clone compiles is told, since a person waits for it; once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from falcokit.build.entry_library import blank_entry
from falcokit.project.scaffold import generate_project
from falcokit.toolchain.cache import cache_folder

if TYPE_CHECKING:
    from pathlib import Path


def test_a_first_build_says_what_it_compiles(tmp_path: Path) -> None:
    blank_entry()
    cache = tmp_path / "cache" / "falcokit"
    cache.mkdir(mode=0o700, parents=True)
    for file in cache_folder().glob("libfalcokit_glue-*"):
        shutil.copy2(file, cache)
    root = generate_project("first", root=tmp_path / "first").root

    def build() -> tuple[bool, list[str]]:
        done = subprocess.run(
            [sys.executable, "-m", "falcokit", "build", "-C", root, "--json"],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        told = [line for line in done.stderr.splitlines() if line.startswith("compiling ")]
        return json.loads(done.stdout)["compiled"], told

    assert build() == (True, ["compiling the entry library (once)"])
    assert build() == (False, [])
