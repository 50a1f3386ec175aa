# SPDX-License-Identifier: Apache-2.0
"""Owns the build of the C code under sanitizers, which takes longer to compile than to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from falcokit.capture.native.scan import sources
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from conftest import CompileC

__all__ = ["Sanitized"]


class Sanitized(NamedTuple):
    """The library, and what is in the environment of a Python that loads it."""

    library: Path
    env: dict[str, str]


@pytest.fixture(scope="session")
def sanitized(compile_c: CompileC) -> Sanitized:
    asan = run([find_compiler().path, "-print-file-name=libasan.so"]).strip()
    if not Path(asan).is_absolute():
        pytest.skip("this compiler has no AddressSanitizer")
    files = [file for file in sources() if file.suffix == ".c"]
    # With the lines of a fault, not its variables, and not optimized: it compiles sooner.
    flags = ("-std=c11", "-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    env = {"LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    return Sanitized(compile_c("sanitized_scan.so", files, *flags), env)
