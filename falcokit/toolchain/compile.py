# SPDX-License-Identifier: Apache-2.0
"""Compile many C files and link them: as many at a time as there are processors."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["compile_and_link", "compile_together"]

_SECONDS = 300.0  # for one file, on the slowest machine


def compile_together(
    compiler: str,
    flags: Sequence[str],
    sources: Iterable[Path],
    target: Path,
    prefix: str = "",
) -> None:
    """Compile each of `sources` with `flags`, and join them to the one object `target`.

    Each begins with the lines of `prefix`, which are read once: to read Python's headers takes
    longer than to compile most of the files. The objects lie beside the target while that is made.
    The first failure is raised.
    """
    if prefix:
        header = target.with_name("prefix.h")
        header.write_text(prefix)
        run([compiler, *flags, "-x", "c-header", str(header), "-o", f"{header}.gch"])
        flags = ["-include", str(header), *flags]
    # Two rooms may have files of one name.
    pairs = [(file, target.with_name(f"{n}-{file.stem}.o")) for n, file in enumerate(sources)]

    def compile_one(pair: tuple[Path, Path]) -> None:
        run([compiler, *flags, "-c", str(pair[0]), "-o", str(pair[1])], timeout=_SECONDS)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, pairs))
    objects = [str(made) for _, made in pairs]
    run([compiler, "-r", "-nostdlib", *objects, "-o", str(target)], timeout=_SECONDS)
    for _, made in pairs:
        made.unlink()


def compile_and_link(
    compiler: str,
    flags: Sequence[str],
    sources: Iterable[Path],
    target: Path,
    linked: Iterable[str],
) -> None:
    """Compile each of `sources` with `flags`, and link them with `linked` too, to `target`."""
    joined = target.with_name("joined.o")
    compile_together(compiler, flags, sources, joined)
    run([compiler, *flags, str(joined), "-o", str(target), *linked], timeout=_SECONDS)
    joined.unlink()
