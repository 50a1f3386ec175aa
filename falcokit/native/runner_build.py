# SPDX-License-Identifier: Apache-2.0
"""Compile the runner, the small C host that loads plugins as Falco does; once, then it is cached.

Called by `falcokit.runner`, by the tests and by the benchmarks.
"""

from __future__ import annotations

from pathlib import Path

from falcokit.native.cache import cached, key_of
from falcokit.native.compile import compile_and_link
from falcokit.native.toolchain import find_compiler

__all__ = ["build_runner", "runner_sources"]

_HERE = Path(__file__).parent
_FLAGS = ["-std=gnu11", "-O2", "-g1", "-pthread"]
#: Of the glue, without Python: the storage of exported tables.
_STORE = ("", "_entry", "_map", "_vtable")
_LIBRARIES = ["-ldl"]  # a part of libc from glibc 2.34 on


def runner_sources() -> list[Path]:
    """Return the C files that the runner is compiled from."""
    source = _HERE / "src"
    store = [source / f"glue_store{part}.c" for part in _STORE]
    return [*store, *sorted((source / "runner").glob("*.c"))]


def build_runner() -> Path:
    """Return the runner for this machine, compiled where it is not in the cache yet."""
    compiler = find_compiler()
    headers = sorted((_HERE / "src" / "runner").glob("*.h"))
    sources = runner_sources()
    inputs = [_HERE / "plugin_api.h", _HERE / "src" / "glue_store.h", *headers, *sources]
    key = key_of(
        [compiler.version, *_FLAGS, *(part for p in inputs for part in (p.name, p.read_bytes()))]
    )

    def make(target: Path) -> None:
        flags = [*_FLAGS, f"-I{_HERE}"]
        compile_and_link(compiler.path, flags, sources, target, _LIBRARIES)

    return cached("falcokit-runner", key, make)
