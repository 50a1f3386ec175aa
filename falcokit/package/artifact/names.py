# SPDX-License-Identifier: Apache-2.0
"""Falcoctl's rules for the names of artifacts, and how it compares versions."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from falcokit.errors import PackageError

__all__ = [
    "Precedence",
    "check_artifact_name",
    "check_version",
    "floating_tags",
    "is_artifact_name",
    "is_version",
    "precedence",
    "satisfies",
]

Precedence: TypeAlias = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]

_NAME: Final = re.compile(r"[a-z]+[a-z0-9_-]*")
_NUMBER = r"(?:0|[1-9][0-9]*)"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION: Final = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
)
_LONGEST = 128
"""A version becomes a tag, and a tag has at most 128 characters."""


def is_artifact_name(name: str) -> bool:
    """Return whether falcoctl accepts the name."""
    return _NAME.fullmatch(name) is not None


def is_version(version: str) -> bool:
    """Return whether it is a semantic version without build metadata."""
    return len(version) <= _LONGEST and _VERSION.fullmatch(version) is not None


def check_artifact_name(name: str) -> None:
    """Raise PackageError for a name that falcoctl refuses."""
    if not is_artifact_name(name):
        raise PackageError(
            f"falcoctl accepts no artifact called {name!r}",
            hint="small letters first, then small letters, digits, - and _",
        )


def check_version(version: str) -> None:
    """Raise PackageError for a version that falcoctl refuses."""
    if is_version(version):
        return
    base, plus, _ = version.partition("+")
    if plus and is_version(base):
        raise PackageError(
            f"falcoctl accepts no version with build metadata: {version!r}",
            hint=f"use {base}, or a prerelease such as {base}-dev.1",
        )
    raise PackageError(
        f"falcoctl accepts no artifact of version {version!r}",
        hint="use three numbers and an optional prerelease: 1.2.3 or 1.2.3-rc.1",
    )


def precedence(version: str) -> Precedence:
    """Return a sort key with semver's order: a prerelease comes before its release."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError(version)
    major, minor, patch, pre = match.groups()
    parts = pre.split(".") if pre else []
    keys = ((not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts)
    return int(major), int(minor), int(patch), not parts, tuple(keys)


def satisfies(version: str, required: str) -> bool:
    """Return whether a plugin is new enough for Falco, which compares the three numbers only."""
    have, want = precedence(version)[:3], precedence(required)[:3]
    return have[0] == want[0] and have >= want


def floating_tags(version: str) -> tuple[str, ...]:
    """Return the tags that move with each release; a prerelease moves none."""
    major, minor, _, is_release, _ = precedence(version)
    return ("latest", str(major), f"{major}.{minor}") if is_release else ()
