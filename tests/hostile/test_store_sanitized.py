# SPDX-License-Identifier: Apache-2.0
"""The storage of exported tables under threads, with each sanitizer."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import falcokit.native
from falcokit.errors import BuildError

if TYPE_CHECKING:
    from conftest import CompileC

_SOURCES = Path(falcokit.native.__file__).parent / "src"
_TORTURE = Path(__file__).parent.parent / "hosts" / "store_torture.c"


@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
def test_no_race_and_no_memory_error_under_threads(compile_c: CompileC, sanitizer: str) -> None:
    """T4, T5, T8"""
    files = [_TORTURE, _SOURCES / "tables" / "store.c"]
    flags = [f"-I{_SOURCES}", f"-fsanitize={sanitizer}", "-D_GNU_SOURCE", "-fno-sanitize-recover"]
    try:
        program = compile_c(f"store_{sanitizer[:6]}", files, *flags)
    except BuildError as e:
        if "lib" in e.output and "san" in e.output:
            pytest.skip("this compiler has no such sanitizer")
        raise
    done = subprocess.run(
        [program, "20000"], capture_output=True, text=True, timeout=200, check=False
    )
    assert (done.returncode, done.stderr[-4000:]) == (0, "")
    words = done.stdout.split()
    seen = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    assert seen["torn"] == 0
    assert seen["strings"] > 100
    assert seen["steps"] > 10
