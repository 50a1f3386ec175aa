# SPDX-License-Identifier: Apache-2.0
"""Which package of the system a library came from, for the SBOM. Called by `artifact`."""

from __future__ import annotations

import functools
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from falcokit.errors import BuildError
from falcokit.native.process import run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SystemPackage", "package_of"]


@dataclass(frozen=True, kw_only=True)
class SystemPackage:
    """A package by name and version; None where the system cannot tell."""

    name: str | None = None
    version: str | None = None


@functools.cache
def package_of(file: Path) -> SystemPackage:
    """Return the Debian or RPM package that owns `file`."""
    try:
        if shutil.which("dpkg-query"):
            return _debian(file)
        if shutil.which("rpm"):
            name, _, version = run(
                ["rpm", "-qf", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}", str(file)]
            ).partition(" ")
            return SystemPackage(name=name, version=version)
    except BuildError:
        pass  # built by hand: nobody knows
    return SystemPackage()


def _debian(file: Path) -> SystemPackage:
    paths = [str(file)]
    if str(file).startswith("/usr/lib/"):  # the database may know the name from before /usr-merge
        paths.append(str(file).removeprefix("/usr"))
    for path in paths:
        try:
            owner = run(["dpkg-query", "-S", path]).splitlines()[0].partition(": ")[0]
        except BuildError:
            continue
        package = owner.partition(",")[0]
        found = run(["dpkg-query", "-W", "-f", "${Package} ${Version}", package])
        name, _, version = found.partition(" ")
        return SystemPackage(name=name, version=version)
    return SystemPackage()
