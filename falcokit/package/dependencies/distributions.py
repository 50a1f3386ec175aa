# SPDX-License-Identifier: Apache-2.0
"""The shipped parts of an installed distribution: its modules, its data, its licence.

The list of files is each distribution's own RECORD; other files were not installed by it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import PathDistribution
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from falcokit.errors import ConfigError, PackageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.project.settings import PackageSettings

__all__ = ["DamagedFolderError", "Distribution", "read_distributions"]

#: The package of which only the backend runs inside the host, and what only its Python code needs.
_CFFI = "cffi"
_BACKEND = "_cffi_backend*.so"
_NO_USE = (
    *("*.pyi", "*.pyx", "*.pxd", "*.c", "*.cc", "*.cpp", "*.h", "*.hpp", "*.a", "*.pc", "*.cmake"),
    *("*.pth", "py.typed", "*/py.typed"),
)
_METADATA = re.compile(
    r"METADATA|entry_points\.txt|top_level\.txt|licenses/.+|(LICEN[CS]E|COPYING|NOTICE|AUTHORS).*",
    re.IGNORECASE,
)
_LONGEST_LICENSE = 100
_SPDX = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}


class DamagedFolderError(Exception):
    """A listed file of a distribution was changed after the installation."""


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """One distribution and its shipped files."""

    name: str
    version: str
    license: str | None = None
    """An SPDX expression if the metadata has one, else its text."""
    sha256: str | None = None
    """Digest of its wheel; None if the lock allows several."""
    files: tuple[str, ...] = ()
    """Relative to the folder, sorted."""


def read_distributions(
    folder: Path,
    hashes: Mapping[str, str | None],
    roots: Sequence[str],
    runtime: PythonRuntime,
    settings: PackageSettings,
) -> tuple[Distribution, ...]:
    """Read the distributions in `folder`; `roots` are the requirements that all of it belongs to.

    Raises:
        DamagedFolderError: a file that should be there is not.
        ConfigError: a file pattern of the settings fits no file.
        PackageError: two distributions hold the same file with different contents.

    """
    found: dict[str, PathDistribution] = {
        canonicalize_name(dist.metadata["Name"]): dist
        for dist in sorted(map(PathDistribution, folder.glob("*.dist-info")), key=str)
        if dist.metadata["Name"]
    }
    missing = sorted(hashes.keys() - found.keys())
    if missing:
        raise DamagedFolderError(missing[0])
    whole = _reachable(roots, found, runtime)
    choice = _Choice(settings)
    taken: dict[str, tuple[str, str]] = {}
    result = []
    for name, dist in sorted(found.items()):
        backend_only = name == _CFFI and name not in whole
        if name not in whole and not backend_only:
            continue
        files: list[str] = []
        for path, recorded, length in _record(dist):
            if not choice.keeps(path, backend_only=backend_only):
                continue
            owner, digest = taken.setdefault(path, (name, recorded))
            if digest != recorded:
                raise PackageError(
                    f"the dependencies {owner} and {name} both have the file {path}, with different"
                    " contents",
                    hint="only one of the two can be shipped: leave one out of"
                    " project.dependencies, or choose another version of it",
                )
            if owner == name:
                _check(folder / path, length)
                files.append(path)
        result.append(
            Distribution(
                name=dist.metadata["Name"],
                version=dist.version,
                license=_license(dist),
                sha256=hashes.get(name),
                files=tuple(sorted(files)),
            )
        )
    choice.refuse_unused()
    return tuple(result)


def _reachable(
    roots: Sequence[str], found: Mapping[str, PathDistribution], runtime: PythonRuntime
) -> set[str]:
    """Return the names of the distributions that `roots` require, directly or not."""
    reached: set[tuple[str, str]] = set()
    todo = [(Requirement(root), "") for root in roots]
    while todo:
        wanted, extra = todo.pop()
        if wanted.marker and not wanted.marker.evaluate(_environment(runtime, extra)):
            continue
        name = canonicalize_name(wanted.name)
        for of_it in ("", *sorted(wanted.extras)):
            if name in found and (name, of_it) not in reached:
                reached.add((name, of_it))
                requires: Iterable[str] = found[name].requires or ()
                todo += [(Requirement(line), of_it) for line in requires]
    return {name for name, _ in reached}


def _environment(runtime: PythonRuntime, extra: str) -> dict[str, str]:
    short = runtime.version.rpartition(".")[0]
    return {
        **{key: str(value) for key, value in default_environment().items()},
        "python_version": short,
        "python_full_version": runtime.version,
        "implementation_version": runtime.version,
        "extra": extra,
    }


def _record(dist: PathDistribution) -> Iterator[tuple[str, str, str]]:
    """Yield name, hash and size (either may be empty) of the files that a distribution was made of.

    Not its `files`: from Python 3.12 on these are only those that are still there.
    """
    for row in csv.reader((dist.read_text("RECORD") or "").splitlines()):
        name, digest, size = (*row, "", "", "")[:3]
        path = PurePosixPath(name)
        if not path.parts:
            continue
        if path.is_absolute() or ".." in path.parts:
            continue  # scripts, headers, and data for folders of the system
        if "__pycache__" not in path.parts and path.parts[0] != "bin":
            yield str(path), digest, size


def _check(file: Path, length: str) -> None:
    is_there = file.is_file() and not file.is_symlink()
    if not is_there or length not in {"", str(file.stat().st_size)}:
        raise DamagedFolderError(file.name)


class _Choice:
    """Decides which files are shipped; remembers the patterns that matched."""

    def __init__(self, settings: PackageSettings) -> None:
        self._include = [p for p in settings.include if "/" in p]
        self._exclude = [p for p in settings.exclude if "/" in p]
        self._used: set[str] = set()

    def keeps(self, path: str, *, backend_only: bool) -> bool:
        folder, _, rest = path.partition("/")
        if folder.endswith(".dist-info"):
            return bool(_METADATA.fullmatch(rest))
        if backend_only:
            return fnmatchcase(path, _BACKEND)
        included = self._fits(path, self._include)
        excluded = self._fits(path, self._exclude)
        return not excluded and (included or not _is_no_use(path))

    def _fits(self, path: str, patterns: list[str]) -> bool:
        names = [path, *map(str, PurePosixPath(path).parents)]
        used = {p for p in patterns if any(fnmatchcase(n, p.rstrip("/")) for n in names)}
        self._used |= used
        return bool(used)

    def refuse_unused(self) -> None:
        for key, patterns in (("include", self._include), ("exclude", self._exclude)):
            unused = sorted(set(patterns) - self._used)
            if unused:
                raise ConfigError(
                    f"[tool.falcokit.package] {key}: {unused[0]!r} matches no file of a dependency",
                    hint="a pattern is a path in site-packages: package/folder, package/*.json",
                )


def _is_no_use(path: str) -> bool:
    folders = PurePosixPath(path).parts[:-1]
    return "tests" in folders or any(fnmatchcase(path, pattern) for pattern in _NO_USE)


def _license(dist: PathDistribution) -> str | None:
    metadata = dist.metadata
    if "License-Expression" in metadata:
        return str(metadata["License-Expression"])
    words = str(metadata["License"]).strip() if "License" in metadata else ""
    if words and words != "UNKNOWN" and "\n" not in words and len(words) <= _LONGEST_LICENSE:
        return words
    names = [
        str(line).rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or ()
        if str(line).startswith("License ::")
    ]
    named = [_SPDX.get(name, name) for name in names if name != "OSI Approved"]
    return " AND ".join(named) if named else None
