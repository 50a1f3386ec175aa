# SPDX-License-Identifier: Apache-2.0
"""The oldest glibc that an artifact runs on, and the Falco images and distributions that have it.

The file that requires most sets the floor; almost always libpython or a wheel, never the entry
library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from falcokit.errors import ConfigError, PackageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from falcokit.package.link.elf import ElfFacts

__all__ = [
    "HOSTS",
    "Floor",
    "Version",
    "check_max",
    "fits",
    "floor",
    "floor_of",
    "format_version",
    "parse_version",
]

Version: TypeAlias = tuple[int, int]

_SYMBOL_VERSION: Final = re.compile(r"GLIBC_(\d{1,4})\.(\d{1,4})(?:\.\d{1,4})?", re.ASCII)
_VERSION: Final = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
#: Versions that stand for a feature of the loader: relative relocations came with glibc 2.36.
_MARKERS: Final[dict[str, Version]] = {"GLIBC_ABI_DT_RELR": (2, 36)}
_NONE: Final[Version] = (0, 0)

#: Falco's own images first, then distributions by the glibc of their first release, old ones last.
HOSTS: Final[tuple[tuple[str, Version], ...]] = (
    ("falcosecurity/falco:0.44.1", (2, 43)),
    ("falcosecurity/falco:0.44.1-debian", (2, 36)),
    ("Debian 13", (2, 41)),
    ("Ubuntu 24.04", (2, 39)),
    ("RHEL 10", (2, 39)),
    ("Debian 12", (2, 36)),
    ("Ubuntu 22.04", (2, 35)),
    ("RHEL 9", (2, 34)),
    ("Amazon Linux 2023", (2, 34)),
    ("Debian 11", (2, 31)),
    ("Ubuntu 20.04", (2, 31)),
    ("RHEL 8", (2, 28)),
    ("Amazon Linux 2", (2, 26)),
)


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The glibc that a set of files needs, and the file that requires it."""

    version: Version
    file: str | None
    """The first of the files that require `version`; None if no file requires any."""
    files: dict[str, Version]
    """Every file with its own floor, (0, 0) where it needs no glibc."""


def floor_of(facts: ElfFacts) -> Version:
    """Return the oldest glibc whose loader accepts the file, (0, 0) if every one does.

    Raises:
        PackageError: it needs GLIBC_PRIVATE, which only one build of glibc provides.

    """
    highest = _NONE
    for library, names in facts.versions.items():
        for name in names:
            if name == "GLIBC_PRIVATE":
                raise PackageError(
                    f"{facts.soname or 'a library'} uses internals of glibc ({library}), which"
                    " change with every version of it",
                    hint="it is part of glibc itself: leave it out, the host has its own",
                )
            match = _SYMBOL_VERSION.fullmatch(name)
            demanded = (int(match[1]), int(match[2])) if match else _MARKERS.get(name, _NONE)
            highest = max(highest, demanded)
    return highest


def floor(files: Mapping[str, ElfFacts]) -> Floor:
    """Return the floor of all files together; their names are those of the result."""
    each = {}
    for name, facts in files.items():
        try:
            each[name] = floor_of(facts)
        except PackageError as e:
            raise PackageError(f"{name}: {e.message}", hint=e.hint) from e
    version = max(each.values(), default=_NONE)
    file = next((name for name, own in each.items() if own == version != _NONE), None)
    return Floor(version=version, file=file, files=each)


def fits(version: Version) -> list[tuple[str, str, bool]]:
    """Return the table: a Falco image or distribution, its glibc, whether the floor fits it."""
    return [(name, format_version(glibc), glibc >= version) for name, glibc in HOSTS]


def format_version(version: Version) -> str:
    """Write a version as glibc does: 2.28."""
    return f"{version[0]}.{version[1]}"


def parse_version(text: str) -> Version:
    """Read the value of `--max-glibc`.

    Raises:
        ConfigError: it is not a version of glibc.

    """
    match = _VERSION.fullmatch(text.strip())
    if not match or int(match[1]) < 2:  # noqa: PLR2004  # glibc 1 was before Linux had ELF
        raise ConfigError(f"{text!r} is not a version of glibc", hint="write it as 2.28")
    return int(match[1]), int(match[2])


def check_max(found: Floor, maximum: Version) -> None:
    """Refuse files that need a newer glibc than `maximum`.

    Raises:
        PackageError: names the file, what it needs, and how to get a lower floor.

    """
    above = [name for name, own in found.files.items() if own > maximum]
    if not above:
        return
    worst = found.file or above[0]
    more = len(above) - 1
    others = f" (and so {'do' if more > 1 else 'does'} {more} other file{'s' * (more > 1)})"
    raise PackageError(
        f"{worst} needs glibc {format_version(found.version)}, more than"
        f" {format_version(maximum)}{others if more else ''}",
        hint="if it is Python's own, package with --runtime and a python-build-standalone archive,"
        " which needs glibc 2.17; if it is a dependency's, use a version of it with a wheel for an"
        " older manylinux; or raise --max-glibc",
    )
