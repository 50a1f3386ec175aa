# SPDX-License-Identifier: Apache-2.0
"""Events whose lengths do not add up, with AddressSanitizer too: FAILURE, no over-read."""

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
_READER = plugin("lies_reader")


@pytest.mark.parametrize("sanitize", [False, True])
def test_a_lie_is_a_failure_with_a_reason(
    write_plugin: Callable[..., Author], compile_c: CompileC, tmp_path: Path, *, sanitize: bool
) -> None:
    env, flags = {**os.environ}, []
    if sanitize:
        asan = subprocess.run(
            [find_compiler().path, "-print-file-name=libasan.so"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        if not Path(asan).is_absolute():
            pytest.skip("this compiler has no AddressSanitizer")
        env |= {"LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0"}
        flags = ["-fsanitize=address"]
    library = build(load_project(write_plugin(_READER).root), sanitize=sanitize).library
    torture = compile_c(f"torture{sanitize}", sorted(_HOSTS.glob("torture*.c")), *flags)
    done = subprocess.run(
        [torture, f"load={library}", "init", "lie=5", "lie=5", "destroy", "unload"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert "AddressSanitizer" not in done.stderr, done.stderr[-4000:]
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert [s["rc"] for s in said if s["op"] == "lie"] == [0, 0], done.stderr
    assert said[-1]["done"] is True
