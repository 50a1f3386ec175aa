# SPDX-License-Identifier: Apache-2.0
"""Compile the runner, the small C host that loads plugins as Falco does; once, then it is cached.

Called by `falcokit.runner`, by the tests and by the benchmarks.
"""

from __future__ import annotations

from pathlib import Path

from falcokit.native.cache import cached, key_of
from falcokit.native.process import run
from falcokit.native.toolchain import find_compiler

__all__ = ["build_runner"]

_HERE = Path(__file__).parent
_FLAGS = ["-std=gnu11", "-O2", "-g1", "-pthread"]
_LIBRARIES = ["-ldl"]  # a part of libc from glibc 2.34 on


def build_runner() -> Path:
    """Return the runner for this machine, compiled where it is not in the cache yet."""
    compiler = find_compiler()
    folder = _HERE / "src" / "runner"
    inputs = [_HERE / "plugin_api.h", *sorted(folder.glob("*.[ch]"))]
    key = key_of(
        [compiler.version, *_FLAGS, *(part for p in inputs for part in (p.name, p.read_bytes()))]
    )

    def make(target: Path) -> None:
        sources = [str(p) for p in inputs if p.suffix == ".c"]
        include = f"-I{_HERE}"
        command = [compiler.path, *_FLAGS, include, "-o", str(target), *sources, *_LIBRARIES]
        run(command, timeout=120)

    return cached("falcokit-runner", key, make)
