# SPDX-License-Identifier: Apache-2.0
"""The runner, the small C host that loads plugins as Falco does: carried, or compiled once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.native import PLUGIN_API, SOURCES
from falcokit.toolchain.cache import cached, key_of
from falcokit.toolchain.compiler import compile_and_link, compiler_mark, find_compiler
from falcokit.toolchain.prebuilt import prebuilt

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OF_GLUE", "RUNNER", "build_runner", "runner_sources"]

RUNNER: Final = "falcokit-runner"

_FLAGS = ["-std=gnu11", "-O2", "-g1", "-pthread"]
#: The parts of the glue that need no Python: JSON, and the storage of exported tables.
OF_GLUE = (
    *(SOURCES / "json" / name for name in ("scan.c", "serialize.c", "text.c")),
    SOURCES / "tables" / "store.c",
)
_LIBRARIES = ["-ldl"]  # a part of libc from glibc 2.34 on


def runner_sources() -> list[Path]:
    """Return the C files that the runner is compiled from."""
    return [*OF_GLUE, *sorted((SOURCES / "runner").rglob("*.c"))]


def build_runner() -> Path:
    """Return the runner for this machine; compile it if it is not there yet."""
    if (carried := prebuilt(RUNNER)) is not None:
        return carried
    headers = [h for room in ("json", "tables", "runner") for h in (SOURCES / room).rglob("*.h")]
    sources = runner_sources()
    inputs = [PLUGIN_API, *sorted(headers), *sources]
    key = key_of(
        [compiler_mark(), *_FLAGS, *(part for p in inputs for part in (p.name, p.read_bytes()))]
    )

    def make(target: Path) -> None:
        flags = [*_FLAGS, f"-I{SOURCES}", f"-I{PLUGIN_API.parent}"]
        compile_and_link(find_compiler().path, flags, sources, target, _LIBRARIES)

    return cached(RUNNER, key, make, what="the runner, which takes some seconds")
