# SPDX-License-Identifier: Apache-2.0
"""A falcokit of pipx, uv tool or the system continues in the environment of the project.

It is replaced by the falcokit of that environment, so that all that follows (the import of the
class, the libpython, the packages) is of one Python.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from falcokit.cli import console
from falcokit.errors import ConfigError, ToolMissingError, system_error
from falcokit.project.environment import Environment, is_tool, project_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["continue_in_project", "has_module", "missing_requirements", "started_in"]

#: Says to the falcokit of the project's environment that it is the second, and whose.
_MARK: Final = "FALCOKIT_STARTED_IN"
_started: list[str] = []


def started_in() -> str | None:
    """Return the prefix of the falcokit that was started, if this is another one."""
    return _started[0] if _started else None


def continue_in_project(arguments: Sequence[str]) -> None:
    """Replace this process by the falcokit of the project's environment, if it has to be.

    `arguments` are those of the command line, with a command that takes a project.

    Raises:
        ToolMissingError: that environment has no falcokit, and this one not what the project needs.

    """
    if first := os.environ.pop(_MARK, None):
        _started.append(first)
        return
    if not is_tool():  # at each start: what is loaded below is not needed for it
        return
    root = _root(_project_of(arguments))
    found = project_environment(root) if root else None
    if found is None or found.prefix.samefile(sys.prefix):
        return
    if not found.has_falcokit:
        if root is not None:
            _refuse_without(found, root)
        return
    console.detail(f"continuing in {found.prefix} ({found.origin})")
    os.environ[_MARK] = sys.prefix
    # -P: the project's folder is not a place for modules of falcokit.
    command = [str(found.python), "-P", "-m", "falcokit", *arguments]
    try:
        sys.stdout.flush()
        os.execv(command[0], command)  # noqa: S606 - no shell
    except OSError as e:
        raise system_error(e, f"falcokit cannot continue in {found.prefix}") from e


def _project_of(arguments: Sequence[str]) -> Path:
    from pathlib import Path  # noqa: PLC0415 - takes 5 ms to load

    for word, after in zip(arguments, [*arguments[1:], ""], strict=True):
        if word in {"-C", "--project"} and after:
            return Path(after)
        if word.startswith("--project="):
            return Path(word.partition("=")[2])
    return Path()


def _root(start: Path) -> Path | None:
    start = start.absolute()
    return next((f for f in (start, *start.parents) if (f / "pyproject.toml").is_file()), None)


def _refuse_without(found: Environment, root: Path) -> None:
    """Raise if the project needs packages that only its own environment may have."""
    from falcokit.project.settings import load_project  # noqa: PLC0415

    try:
        needed = load_project(root).dependencies
    except ConfigError:
        return  # the command will say so
    missing = missing_requirements(needed)
    if missing:
        raise ToolMissingError(
            f"the project's environment {found.prefix} has no falcokit, and the Python that runs"
            f" falcokit ({sys.executable}) has not what the project needs: {', '.join(missing)}",
            hint=f"install falcokit there: uv add --dev falcokit, or {found.python} -m pip install"
            " falcokit",
        )


def missing_requirements(requirements: Sequence[str]) -> list[str]:
    """Return those requirements that this Python does not meet, each with what it has instead."""
    if not requirements:
        return []
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415

    missing = []
    for text in requirements:
        try:
            wanted = Requirement(text)
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
                continue
            there = version(wanted.name)
        except InvalidRequirement:
            missing.append(f"{text} (not a requirement)")
        except PackageNotFoundError:
            missing.append(str(wanted.name))
        else:
            if not wanted.specifier.contains(there, prereleases=True):
                missing.append(f"{wanted.name}{wanted.specifier} (there is {there})")
    return missing


def has_module(name: str) -> bool:
    """Return whether this Python has a module."""
    from importlib.util import find_spec  # noqa: PLC0415

    return find_spec(name) is not None
