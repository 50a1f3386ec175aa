# SPDX-License-Identifier: Apache-2.0
"""Finds the shared objects of an artifact: libpython, the glue, extension modules, their libraries.

A library that an extension module needs is looked up in its wheel, then next to the shipped Python,
then on this system, and is shipped with it. The C library is the host's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falcokit.errors import PackageError
from falcokit.package.link.elf import ElfFacts, read_elf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["PROVIDED_BY_HOST", "SYSTEM_OWNER", "Binary", "close_over_needs", "system_folders"]

SYSTEM_OWNER: Final = "this system"

#: Parts of glibc, and the last two: in every image, since Falco itself is C++.
PROVIDED_BY_HOST: Final = frozenset(
    {
        *("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"),
        *("libutil.so.1", "libresolv.so.2", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"),
        *("libgcc_s.so.1", "libstdc++.so.6"),
    }
)
_FOLDERS: Final = ("/lib/{0}-linux-gnu", "/usr/lib/{0}-linux-gnu", "/lib64", "/usr/lib64",
                   "/usr/local/lib", "/usr/lib", "/lib")  # fmt: skip


@dataclass(kw_only=True)
class Binary:
    """One shared object that goes into the artifact."""

    name: str
    """Its file name and SONAME in the artifact, before the build's key is written in."""
    path: Path
    owner: str
    """The distribution it comes from; "Python", "falcokit", or SYSTEM_OWNER."""
    module: str | None = None
    """The full name by which Python imports it; None for a library."""
    facts: ElfFacts
    needs: list[Binary] = field(default_factory=list)
    """Libraries of the artifact that it is linked to, except libpython."""

    @property
    def shown(self) -> str:
        """Its name in errors."""
        what = f"extension module {self.module}" if self.module else self.path.name
        return f"{what} of {self.owner}"


def system_folders(machine: str) -> list[Path]:
    """Return the folders of this system's libraries."""
    return [path for name in _FOLDERS if (path := Path(name.format(machine))).is_dir()]


def close_over_needs(
    binaries: Sequence[Binary],
    *,
    libraries: Iterable[tuple[Path, str]],
    python_names: frozenset[str],
    folders: Sequence[Path],
    machine: str,
) -> list[Binary]:
    """Return the libraries that `binaries` need and the host does not provide, each once.

    Args:
        binaries: Modules, libpython and the glue; their `needs` are filled in.
        libraries: The shared objects of the distributions that are not modules, with their owner.
        python_names: Names under which libpython is needed; it is handled separately.
        folders: Other folders to search: the shipped Python's own, then this system's.
        machine: The machine that all of them must be built for.

    Raises:
        PackageError: a library cannot be found, or a file cannot be moved to another place.

    """
    by_wheel: dict[tuple[str, str], Path] = {}
    for path, owner in libraries:
        by_wheel.setdefault((owner, path.name), path)
    found: dict[Path, Binary] = {}

    def resolve(binary: Binary) -> None:
        _check(binary, machine)
        for name in binary.facts.needed:
            if name in PROVIDED_BY_HOST or name in python_names:
                continue
            path, owner = _find(binary, name, by_wheel, folders)
            library = found.get(path)
            if library is None:
                facts = read_elf(path)
                if facts is None:
                    raise PackageError(
                        f"{binary.shown} needs {name}, but {path.name} is not a library"
                    )
                library = found[path] = Binary(name=name, path=path, owner=owner, facts=facts)
                resolve(library)
            binary.needs.append(library)

    for binary in binaries:
        resolve(binary)
    return list(found.values())


def _check(binary: Binary, machine: str) -> None:
    facts = binary.facts
    if facts.machine != machine:
        raise PackageError(
            f"{binary.shown} is built for {facts.machine}, but the artifact is for {machine}",
            hint="package on a machine of that architecture, or find a wheel for it",
        )
    absolute = [name for name in facts.needed if "/" in name]
    if absolute:
        raise PackageError(
            f"{binary.shown} cannot be moved: it needs {absolute[0]} at exactly that path",
            hint="link to the library by name (a SONAME without a path), or use its wheel",
        )
    if facts.has_textrel:
        raise PackageError(
            f"{binary.shown} cannot be moved: its code is not position-independent (TEXTREL)",
            hint="compile it with -fPIC",
        )


def _find(
    binary: Binary, name: str, by_wheel: dict[tuple[str, str], Path], folders: Sequence[Path]
) -> tuple[Path, str]:
    own = by_wheel.get((binary.owner, name))
    if own is not None:
        return own, binary.owner
    relative = [Path(entry.replace("$ORIGIN", str(binary.path.parent)).replace(
        "${ORIGIN}", str(binary.path.parent))) for entry in binary.facts.rpath]  # fmt: skip
    for folder in (*relative, *folders):
        path = folder / name
        if path.is_file():
            owner = (
                binary.owner if folder in relative and binary.owner != "Python" else SYSTEM_OWNER
            )
            return path.resolve(), owner
    raise PackageError(
        f"{binary.shown} needs the library {name}, which is neither in its wheel nor on this"
        " system",
        hint="install the system package that contains it and package again: it is then shipped"
        " with the artifact; or leave the dependency out",
    )
