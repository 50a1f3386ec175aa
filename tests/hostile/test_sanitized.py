# SPDX-License-Identifier: Apache-2.0
"""The same life under two sanitizers: the glue has both, the host one, Python none."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from author import plugin

from falcokit.build.build_project import build
from falcokit.project.settings import load_project
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import CompileC

_HOSTS = Path(__file__).parent.parent / "hosts"
_FLOOD = plugin("sanitized_flood")


@pytest.fixture(scope="module")
def asan() -> str:
    path = subprocess.run(
        [find_compiler().path, "-print-file-name=libasan.so"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if not Path(path).is_absolute():
        pytest.skip("this compiler has no AddressSanitizer")
    return path


def test_no_memory_error_in_a_life_full_of_everything(
    write_plugin: Callable[..., Author], compile_c: CompileC, asan: str, tmp_path: Path
) -> None:
    author = write_plugin(_FLOOD)
    library = build(load_project(author.root), sanitize=True).library
    hosts = sorted(_HOSTS.glob("torture*.c"))
    torture = compile_c("torture_asan", hosts, "-fsanitize=address")
    operations = [
        "repeat=2", f"load={library}", "@init", "&metrics=200", "@set-handler", "parse-own=1000",
        "dump-state", "set-config={}", "join", "clear-handler", "churn=20", "@destroy", "unload",
        "end",
    ]  # fmt: skip
    done = subprocess.run(
        [str(torture), *operations],
        cwd=tmp_path,
        env={**os.environ, "LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "Sanitizer" not in done.stderr, done.stderr[-4000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["op"], last["stray"], last["malformed"]) == ("end", 0, 0), done.stdout
