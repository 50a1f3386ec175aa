# SPDX-License-Identifier: Apache-2.0
"""The lock: which version of each dependency is packaged, and the hash of its wheel.

It is a requirements file that pip and uv read, kept in the project as locks/<tag>-linux-<arch>.txt
and meant to be committed. It is used as long as the inputs named in its head are those of the
project, and resolved again when they change. It never contains an address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from falcokit.errors import ConfigError, PackageError
from falcokit.toolchain.cache import key_of, replacing

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.project.settings import Project

__all__ = ["Lock", "Locked", "format_lock", "lock_file", "parse_entries", "read_lock", "write_lock"]

_HEAD = """\
# Written by `falcokit package`: the dependencies that the artifact carries. Commit this file.
# It is rewritten when the inputs change; delete it to get the newest versions.
# python: {python}
# inputs: {inputs}
"""
_INPUTS = re.compile(r"# inputs: ([0-9a-f]{16})")
_ENTRY = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==(\S+)((?: --hash=sha256:[0-9a-f]{64})+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One distribution of the lock."""

    name: str
    """As an index normalises it: "ruamel-yaml"."""
    version: str
    hashes: tuple[str, ...]
    """SHA-256 of the wheels that may be installed."""


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The lock of a project for one Python and machine."""

    file: Path
    inputs: str
    distributions: tuple[Locked, ...]

    @property
    def key(self) -> str:
        """16 hex digits that name the distributions."""
        parts = [f"{d.name}=={d.version} {sorted(d.hashes)}" for d in self.distributions]
        return key_of([self.inputs, *sorted(parts)])


def lock_file(project: Project, runtime: PythonRuntime) -> Path:
    """Return the path of the lock of `project` for a Python and its machine."""
    return project.root / "locks" / f"{runtime.tag}-linux-{runtime.machine}.txt"


def read_lock(file: Path, inputs: str) -> Lock | None:
    """Return the lock if there is one for these inputs.

    Raises:
        ConfigError: the file exists and was not written by falcokit.

    """
    if not file.exists():
        return None
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        why = e.strerror if isinstance(e, OSError) else "it is not UTF-8"
        raise ConfigError(f"{file} cannot be read: {why}", hint=_renew(file)) from e
    head = _INPUTS.search(text)
    if head is None:
        raise ConfigError(f"{file} has no line '# inputs:'", hint=_renew(file))
    if head[1] != inputs:
        return None
    try:
        distributions = parse_entries(text)
    except ValueError as e:
        raise ConfigError(f"{file}: {e}", hint=_renew(file)) from e
    return Lock(file=file, inputs=inputs, distributions=distributions)


def parse_entries(text: str) -> tuple[Locked, ...]:
    """Read a requirements file in which every line is a version with its hashes.

    Raises:
        ValueError: a line is something else; an option, say.

    """
    lines = text.replace("\\\n", " ").splitlines()
    return tuple(_entry(line) for line in lines if line.strip() and not line.startswith("#"))


def _entry(line: str) -> Locked:
    found = _ENTRY.fullmatch(re.sub(r"\s+", " ", line).strip())
    if found is None or not _is_version(found[2]):
        raise ValueError(f"{line.strip()[:80]!r} is not NAME==VERSION with its hashes")
    return Locked(
        name=canonicalize_name(found[1]), version=found[2], hashes=tuple(_HASH.findall(found[3]))
    )


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _renew(file: Path) -> str:
    return f"delete it to resolve the dependencies again: rm {file}"


def format_lock(lock: Lock, runtime: PythonRuntime) -> str:
    """Return the text of a lock; equal distributions give equal text."""
    entries = [
        f"{d.name}=={d.version}" + "".join(f" \\\n    --hash=sha256:{h}" for h in sorted(d.hashes))
        for d in sorted(lock.distributions, key=lambda d: d.name)
    ]
    python = f"{runtime.tag}-linux-{runtime.machine}"
    return _HEAD.format(python=python, inputs=lock.inputs) + "".join(f"{e}\n" for e in entries)


def write_lock(lock: Lock, runtime: PythonRuntime) -> None:
    """Write a lock into the project, completely or not at all."""
    try:
        lock.file.parent.mkdir(exist_ok=True)
        with replacing(lock.file) as draft:
            draft.write_text(format_lock(lock, runtime), encoding="utf-8")
    except OSError as e:
        raise PackageError(
            f"the lock {lock.file} cannot be written: {e.strerror}",
            hint="make its folder writable, or commit a lock that is up to date",
        ) from e
