# SPDX-License-Identifier: Apache-2.0
"""Which package of the system a library came from, for the SBOM.

All libraries are asked for at once: dpkg-query reads the lists of all packages each time.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from falcokit.errors import BuildError
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SystemPackage", "packages_of"]

_MERGED = re.compile(r"(/usr)?(/lib[^/]*/.+)")


@dataclass(frozen=True, kw_only=True)
class SystemPackage:
    """A package by name and version; None where the system cannot tell."""

    name: str | None = None
    version: str | None = None


@functools.cache
def packages_of(files: frozenset[Path]) -> dict[Path, SystemPackage]:
    """Return for each of `files` the Debian or RPM package that owns it."""
    unknown = dict.fromkeys(files, SystemPackage())  # built by hand, say: nobody knows
    if not files:
        return unknown
    if shutil.which("dpkg-query"):
        return unknown | _debian(files)
    if shutil.which("rpm"):
        return {file: _rpm(file) for file in files}
    return unknown


def _rpm(file: Path) -> SystemPackage:
    command = ["rpm", "-qf", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}", str(file)]
    try:
        name, _, version = run(command).partition(" ")
    except BuildError:
        return SystemPackage()
    return SystemPackage(name=name, version=version)


def _debian(files: frozenset[Path]) -> dict[Path, SystemPackage]:
    names = {file: _names(file) for file in files}
    asked = {name for both in names.values() for name in both}
    owners: dict[str, str] = {}
    for line in _dpkg_query("-S", *sorted(asked)):
        listed, _, path = line.rpartition(": ")
        if path in asked and "diversion by " not in listed:
            owners[path] = listed.partition(",")[0]
    if not owners:
        return {}
    wanted = sorted(set(owners.values()))
    told = _dpkg_query("-W", "-f", "${binary:Package} ${Package} ${Version}\\n", *wanted)
    found = {
        parts[0]: SystemPackage(name=parts[1], version=parts[2])
        for line in told
        if len(parts := line.split(" ")) == 3  # noqa: PLR2004
    }
    return {
        file: found[owner]
        for file, both in names.items()
        if (owner := next((owners[name] for name in both if name in owners), "")) in found
    }


def _names(file: Path) -> list[str]:
    """Return the file's name and the one that the database may know: /usr-merge made two of one."""
    merged = _MERGED.fullmatch(str(file))
    if merged is None:
        return [str(file)]
    other = merged[2] if merged[1] else f"/usr{merged[2]}"
    return [str(file), other]


def _dpkg_query(*arguments: str) -> list[str]:
    """Return what it tells; of what it does not know it complains, and ends with an error."""
    try:
        told = run(["dpkg-query", *arguments], env={**os.environ, "LC_ALL": "C"})
    except BuildError as e:
        told = e.output
    return told.splitlines()
