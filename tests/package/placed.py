# SPDX-License-Identifier: Apache-2.0
"""Packaged plugins as an installer leaves them, made without the time that compressing takes.

What `falcokit package` writes into the archive is what `assemble` returns; that the archive holds
it is tested elsewhere.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from locks import put_lock

from falcokit.package.artifact.assemble import assemble
from falcokit.package.python.python_runtime import find_runtime
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from falcokit.package.artifact.artifact import Artifact
    from falcokit.project.settings import Project

__all__ = ["Packaged", "place", "project"]

_PROJECT = """\
[project]
name = "{name}"
version = "{version}"
description = "A plugin of a test."
authors = [{{ name = "Tests", email = "tests@example.com" }}]
dependencies = [{dependencies}]
[tool.falcokit]
plugin = "{module}:P"
"""


@dataclass(frozen=True, kw_only=True)
class Packaged:
    """A project, its artifact, and the library as an installer would leave it."""

    project: Project
    artifact: Artifact
    library: Path


def project(
    root: Path,
    source: Path | str,
    name: str,
    *,
    version: str = "0.1.0",
    dependencies: tuple[str, ...] = (),
) -> Path:
    """Write a project whose plugin is the class P of a package with one more file, table.txt."""
    module = name.replace("-", "_")
    package = root / "src" / module
    package.mkdir(parents=True)
    text = source.read_text() if isinstance(source, Path) else dedent(source)
    (package / "__init__.py").write_text(text)
    (package / "table.txt").write_text("a file of the author's")
    listed = ", ".join(f'"{dependency}"' for dependency in dependencies)
    filled = _PROJECT.format(name=name, version=version, module=module, dependencies=listed)
    (root / "pyproject.toml").write_text(filled)
    if not dependencies:
        put_lock(root)
    return root


def place(root: Path, folder: Path, *, as_folder: bool = False, runtime: str | None = None) -> Path:
    """Package the project in `root`, and return the library, in `folder`."""
    folder.mkdir(parents=True)
    assembly = assemble(
        load_project(root),
        find_runtime(runtime),
        folder,
        as_folder=as_folder,
        progress=lambda _step: None,
    )
    # A link to falcokit is in it: who copies the folder would copy all of that.
    shutil.rmtree(folder / "falcokit-alone")
    return assembly.library
