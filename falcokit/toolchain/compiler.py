# SPDX-License-Identifier: Apache-2.0
"""The C compiler: find it and what a Python gives to link with, compile many files at once.

If one of these is missing, the error names the command that installs it.
"""

from __future__ import annotations

import functools
import os
import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from falcokit.errors import ToolMissingError
from falcokit.toolchain.command import run
from falcokit.toolchain.prebuilt import find_prebuilt_glue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "Compiler",
    "PythonLibrary",
    "compile_and_link",
    "compile_together",
    "compiler_mark",
    "find_compiler",
    "find_libpython",
    "missing_part",
]

_SECONDS = 300.0  # for one file, on the slowest machine
_INSTALL_COMPILER = "apt install gcc libc6-dev (Debian, Ubuntu) or dnf install gcc (Fedora, RHEL)"


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """A C compiler that answered: its path and version line (both name a build)."""

    path: str
    version: str


@dataclass(frozen=True, kw_only=True)
class PythonLibrary:
    """The shared libpython of an interpreter, and the folder of its headers where it has them."""

    path: Path
    include: Path

    @property
    def has_headers(self) -> bool:
        """Whether C can be compiled for it."""
        return (self.include / "Python.h").is_file()


def find_compiler() -> Compiler:
    """Return $CC, or the first of cc, gcc and clang on the PATH."""
    return _asked(_compiler_path())


def compiler_mark() -> str:
    """Return what changes with the compiler, without running it: for the key of a cache."""
    path = _compiler_path()
    facts = os.stat(path)  # noqa: PTH116 - of a text
    return f"{path} {facts.st_size} {facts.st_mtime_ns}"


def _compiler_path() -> str:
    asked = os.environ.get("CC")
    for name in [asked] if asked else ["cc", "gcc", "clang"]:
        path = shutil.which(name)
        if path:
            return path
    wanted = f"$CC ({asked})" if asked else "a C compiler (cc, gcc or clang)"
    raise ToolMissingError(
        f"{wanted} was not found on the PATH; what falcokit has in C is compiled at first use",
        hint=f"install one: {_INSTALL_COMPILER}; or falcokit from a wheel, which needs none",
    )


@functools.cache
def _asked(path: str) -> Compiler:
    return Compiler(path=path, version=run([path, "--version"]).splitlines()[0])


def find_libpython() -> PythonLibrary:
    """Return the libpython that this interpreter was built with.

    Raises:
        ToolMissingError: there is none to embed, or neither a glue for it nor its headers to
            compile one with.

    """
    config = sysconfig.get_config_vars()
    version = sysconfig.get_python_version()
    if config.get("Py_GIL_DISABLED"):
        raise ToolMissingError(
            f"this Python {version} is a free-threaded build, which falcokit does not embed",
            hint="use an ordinary build of CPython",
        )
    if not config.get("Py_ENABLE_SHARED"):
        raise ToolMissingError(
            f"this Python {version} ({sysconfig.get_path('scripts')}) has no shared libpython to"
            " embed",
            hint=f"use one that has: apt install python3-dev, uv python install {version}, or"
            f" PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {version}",
        )
    name = config["INSTSONAME"]
    folders = [config.get("LIBDIR"), "/usr/lib/" + str(config.get("MULTIARCH", "")), "/usr/lib64"]
    path = next((p for d in folders if d and (p := Path(d) / name).is_file()), None)
    if path is None:
        raise missing_part(name, version, name)
    found = PythonLibrary(path=path.resolve(), include=Path(sysconfig.get_path("include")))
    if not found.has_headers and find_prebuilt_glue(found.path) is None:
        raise missing_part("Python.h", version, name)
    return found


def missing_part(missing: str, version: str, libpython: str) -> ToolMissingError:
    """Return the error that a part of a Python is not installed, with what installs it."""
    is_carried = find_prebuilt_glue(Path(libpython)) is not None
    package, of_fedora = ("", "libs") if is_carried else ("-dev", "devel")
    return ToolMissingError(
        f"{missing} of Python {version} is not installed",
        hint=f"apt install libpython{version}{package} or dnf install python3-{of_fedora}",
    )


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
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - only to compile

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
