# SPDX-License-Identifier: Apache-2.0
"""Finds the system package that a library belongs to, for the SBOM.

All libraries are looked up at once: dpkg-query reads the lists of all packages each time.
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
    """A package by name and version; None if the system does not know it."""

    name: str | None = None
    version: str | None = None


@functools.cache
def packages_of(files: frozenset[Path]) -> dict[Path, SystemPackage]:
    """Return for each of `files` the Debian or RPM package that owns it."""
    unknown = dict.fromkeys(files, SystemPackage())  # for example built by hand
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
    output = _dpkg_query("-W", "-f", "${binary:Package} ${Package} ${Version}\\n", *wanted)
    found = {
        parts[0]: SystemPackage(name=parts[1], version=parts[2])
        for line in output
        if len(parts := line.split(" ")) == 3  # noqa: PLR2004
    }
    return {
        file: found[owner]
        for file, both in names.items()
        if (owner := next((owners[name] for name in both if name in owners), "")) in found
    }


def _names(file: Path) -> list[str]:
    """Return the file's name and its other name in the database: /usr-merge gave each file two."""
    merged = _MERGED.fullmatch(str(file))
    if merged is None:
        return [str(file)]
    other = merged[2] if merged[1] else f"/usr{merged[2]}"
    return [str(file), other]


def _dpkg_query(*arguments: str) -> list[str]:
    """Return its output; it also fails if it does not know some of the arguments."""
    try:
        output = run(["dpkg-query", *arguments], env={**os.environ, "LC_ALL": "C"})
    except BuildError as e:
        output = e.output
    return output.splitlines()
