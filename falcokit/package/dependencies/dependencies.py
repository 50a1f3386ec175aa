# SPDX-License-Identifier: Apache-2.0
"""The distributions that a plugin carries, as its lock names them, in a folder of the cache.

The author's dependencies come from pyproject.toml; falcokit adds what its own part of the plugin
needs inside the host. Resolved versions are written to the lock, and installed distributions stay
in the cache: an unchanged project runs no installer at all.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from falcokit.errors import ConfigError, PackageError, ToolMissingError
from falcokit.package.dependencies.distributions import (
    DamagedFolderError,
    Distribution,
    read_distributions,
)
from falcokit.package.dependencies.lock import Lock, lock_file, read_lock, write_lock
from falcokit.package.dependencies.resolve import (
    find_installer,
    install,
    resolve,
    without_credentials,
)
from falcokit.toolchain.cache import cache_folder, cached_folder, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.project.settings import Project

__all__ = ["Dependencies", "Distribution", "install_dependencies"]

_INSIDE_HOST = ("cffi", "msgspec")
_INPUTS_FORMAT = "1"


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """The installed distributions of a project."""

    folder: Path
    distributions: tuple[Distribution, ...]
    lock: Path


def install_dependencies(
    project: Project, runtime: PythonRuntime, *, progress: Callable[[str], None]
) -> Dependencies:
    """Return the dependencies of `project` for `runtime`, resolving and fetching what is missing.

    Raises:
        ConfigError: project.dependencies, the lock or the settings are wrong.
        PackageError: there are no wheels that fit, or they cannot be fetched.
        ToolMissingError: there is neither pip nor uv.

    """
    theirs = _requirements(project)
    needs = _needs()
    lock = _lock(project, runtime, theirs, needs, progress)
    name = f"site-{key_of([lock.key, runtime.tag, runtime.machine])}"
    hashes = {d.name: d.hashes[0] if len(d.hashes) == 1 else None for d in lock.distributions}
    # cffi is compiled into the glue: its Python code is shipped only to plugins that import it.
    roots = [*theirs, *(need for need in needs if Requirement(need).name != "cffi")]
    for last in (False, True):
        folder = cached_folder(name, partial(_install, lock, runtime, progress))
        try:
            found = read_distributions(folder, hashes, roots, runtime, project.package)
        except DamagedFolderError as e:
            shutil.rmtree(folder, ignore_errors=True)
            if last:
                raise PackageError(
                    f"a dependency differs from its wheel: {e}",
                    hint="its wheel is damaged: delete the lock in locks/, choose another version",
                ) from e
        else:
            break
    return Dependencies(folder=folder, distributions=found, lock=lock.file)


def _requirements(project: Project) -> list[str]:
    """Return the author's requirements, checked, without falcokit itself."""
    result = []
    for line in project.dependencies:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as e:
            shown = without_credentials(line)
            raise ConfigError(
                f"{project.file}: project.dependencies: {shown!r} is not a requirement",
                hint='a requirement is a name with versions: "orjson>=3.10"; a file or folder is'
                " none: build its wheel and package with PIP_FIND_LINKS=FOLDER",
            ) from e
        if requirement.url:
            raise ConfigError(
                f"{project.file}: project.dependencies: {requirement.name} is given by an address,"
                " which the lock cannot hold",
                hint=f"build its wheel (pip wheel --no-deps -w wheels ADDRESS), depend on"
                f" {requirement.name!r} by version and package with PIP_FIND_LINKS=wheels",
            )
        if canonicalize_name(requirement.name) != "falcokit":
            result.append(str(requirement))
    return result


def _needs() -> list[str]:
    """Return what falcokit imports inside the host, with falcokit's version bounds."""
    try:
        lines = importlib.metadata.requires("falcokit") or []
    except importlib.metadata.PackageNotFoundError as e:
        raise ToolMissingError(
            "falcokit is not installed, only imported from a folder",
            hint="install it: pip install falcokit",
        ) from e
    requirements = map(Requirement, lines)
    return [str(r) for r in requirements if r.name in _INSIDE_HOST and r.marker is None]


def _lock(
    project: Project,
    runtime: PythonRuntime,
    theirs: Sequence[str],
    needs: Sequence[str],
    progress: Callable[[str], None],
) -> Lock:
    """Return the lock of the project, resolved again if its inputs have changed."""
    inputs = key_of([_INPUTS_FORMAT, runtime.tag, runtime.machine, *sorted([*theirs, *needs])])
    file = lock_file(project, runtime)
    lock = read_lock(file, inputs)
    if lock is not None:
        return lock
    progress(f"resolving {len(theirs)} dependencies for {runtime.tag} on {runtime.machine}")
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=".making-") as scratch:
        resolved = resolve(find_installer(), [*theirs, *needs], runtime, Path(scratch), needs)
    lock = Lock(file=file, inputs=inputs, distributions=resolved)
    write_lock(lock, runtime)
    return lock


def _install(
    lock: Lock, runtime: PythonRuntime, progress: Callable[[str], None], folder: Path
) -> None:
    progress(f"installing {len(lock.distributions)} distributions")
    install(find_installer(), lock.distributions, runtime, folder.parent, folder)
