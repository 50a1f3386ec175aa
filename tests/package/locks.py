# SPDX-License-Identifier: Apache-2.0
"""The lock of projects without dependencies of their own, which one test of a run resolves for all.

To resolve it takes pip a second, which is more than to package such a project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.package.dependencies.dependencies import install_dependencies
from falcokit.package.python.python_runtime import find_runtime
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Shared

__all__ = ["put_lock", "share_locks"]

_PROJECT = """\
[project]
name = "locked"
version = "0.1.0"

[tool.falcokit]
plugin = "locked:P"
"""
_shared: list[Shared] = []


def share_locks(shared: Shared) -> None:
    """Let the workers of this run have one lock; without this, each project resolves its own."""
    _shared[:] = [shared]


def put_lock(root: Path) -> None:
    """Write the lock for this Python into the project in `root`."""
    for shared in _shared:
        (root / "locks").mkdir(exist_ok=True)
        for name, text in shared("lock-without-dependencies", _resolved).items():
            (root / "locks" / name).write_text(text)


def _resolved(folder: Path) -> dict[str, str]:
    (folder / "pyproject.toml").write_text(_PROJECT)
    project = load_project(folder)
    lock = install_dependencies(project, find_runtime(None), progress=lambda _step: None).lock
    return {lock.name: lock.read_text()}
