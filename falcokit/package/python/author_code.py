# SPDX-License-Identifier: Apache-2.0
"""The author's own files that an artifact carries: modules, data inside packages, extensions.

Includes what the development layout imports (see `falcokit.runtime.host.author_modules`), and no
other files next to it. A link is followed if it stays in the project: the artifact holds regular
files, and nothing from the rest of the machine.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from falcokit.package.dependencies.distributions import Distribution
    from falcokit.project.settings import Project

__all__ = ["EXPORTS", "AuthorFiles", "author_files", "refuse_clashes"]

#: Prefixes of the symbol that Python looks up in a module; 3.15 added the second (PEP 793).
EXPORTS = ("PyInit_", "PyModExport_")

#: Names at the top of a source folder that are not modules of the plugin.
_NO_MODULES = frozenset({"__init__", "__main__", "conftest", "noxfile", "setup", "test", "tests"})
_NO_PACKAGES = frozenset(
    {"build", "dist", "docs", "env", "examples", "locks", "node_modules", "test", "tests", "venv"}
)
#: Left out at any depth: bytecode, tests, and files for type checkers only.
_NO_FOLDERS = frozenset({"__pycache__", "tests"})
_NO_SUFFIXES = (".pyc", ".pyo", ".pyi", "~")


@dataclass(frozen=True, kw_only=True)
class AuthorFiles:
    """The author's files by their names in an archive, sorted."""

    modules: dict[str, Path]
    """ "ticker.py", "acme/feed.py"."""
    data: dict[str, Path]
    """ "acme/words.txt": files inside packages."""
    extensions: dict[str, Path]
    """ "acme._fast" -> its shared library."""
    beside: dict[str, Path]
    """ "words.txt", "data/a.json": beside modules at the top of a source folder of its own."""


def author_files(project: Project, *, tag: str | None = None) -> AuthorFiles:
    """Collect the files of the project's source folder.

    With `tag` ("cp313") an extension module for another Python is left out.

    Raises:
        ConfigError: a link leaves the project or leads nowhere, or a file cannot be packed.

    """
    walk = _Walk(project, tag)
    walk.source_folder()
    return AuthorFiles(
        modules=dict(sorted(walk.modules.items())),
        data=dict(sorted(walk.data.items())),
        extensions=dict(sorted(walk.extensions.items())),
        beside=dict(sorted(walk.beside.items())),
    )


def refuse_clashes(
    project: Project, files: AuthorFiles, distributions: Iterable[Distribution]
) -> None:
    """Refuse an author's module with the same name as another top-level module of the artifact.

    Raises:
        ConfigError: such a module, and whose name it has.

    """
    owners = {
        _top(name): f"the dependency {distribution.name}"
        for distribution in distributions
        for name in distribution.files
        if ".dist-info/" not in name
    }
    owners |= dict.fromkeys(sys.stdlib_module_names, "the standard library")
    owners["falcokit"] = "falcokit"
    mine = {_top(name): path for name, path in [*files.modules.items(), *files.extensions.items()]}
    for name, path in sorted(mine.items()):
        if name in owners:
            raise ConfigError(
                f"{_shown(project, path)}: the module {name!r} has the same name as a module of"
                f" {owners[name]}",
                hint="inside Falco only one of them can be imported: rename yours",
            )


def _top(name: str) -> str:
    return name.partition("/")[0].partition(".")[0]


def _shown(project: Project, path: Path) -> str:
    return str(path.relative_to(project.root) if path.is_relative_to(project.root) else path)


class _Walk:
    """Walks the source folder once and sorts the files it finds."""

    def __init__(self, project: Project, tag: str | None) -> None:
        self.modules: dict[str, Path] = {}
        self.data: dict[str, Path] = {}
        self.extensions: dict[str, Path] = {}
        self.beside: dict[str, Path] = {}
        self._project = project
        self._root = project.root.resolve()
        self._python = f"cpython-{tag.removeprefix('cp')}" if tag else None

    def source_folder(self) -> None:
        folder = self._project.source_dir
        for path in self._entries(folder):
            stem, dot, _ = path.name.partition(".")
            if not stem.isidentifier():
                continue
            if dot and path.name.endswith((".py", ".so")):
                is_test = stem.startswith("test_")
                if stem not in _NO_MODULES and not is_test and not self._is_folder(path):
                    self._file(path, path.name)
            elif not dot and stem not in _NO_PACKAGES and self._is_package(path):
                self._is_folder(path)  # refuses a link out of the project
                self._package(path, path.name, (folder.resolve(),))
        if folder != self._project.root:
            self._beside(folder)

    def _beside(self, folder: Path) -> None:
        """Collect what is in a source folder and in none of its packages."""
        known = {*self.modules, *self.data}
        packages = {name.partition("/")[0] for name in known if "/" in name}
        for path in self._entries(folder):
            if path.name in known | packages | _NO_PACKAGES | _NO_FOLDERS:
                continue
            if self._is_folder(path):
                inner = _Walk(self._project, None)
                inner._package(path, path.name, (folder.resolve(),))  # of its own
                self.beside |= inner.data
            elif not path.name.endswith((*_NO_SUFFIXES, ".py", ".so")):
                self._refuse_odd(path, path.name)
                self.beside[path.name] = path

    def _is_package(self, folder: Path) -> bool:
        """Return whether a top-level folder is imported; in the root only with __init__."""
        if (folder / "__init__.py").exists():
            return True
        at_root = self._project.source_dir == self._project.root
        if at_root or not folder.is_dir() or (folder / "pyvenv.cfg").exists():
            return False
        return any(folder.glob("*.py")) or any(folder.glob("*/__init__.py"))

    def _package(self, folder: Path, name: str, above: tuple[Path, ...]) -> None:
        real = folder.resolve()
        if real in above:
            raise ConfigError(
                f"{self._shown(folder)} is a link to a folder that contains it",
                hint="remove the link: the folders would repeat without end",
            )
        for path in self._entries(folder):
            inside = f"{name}/{path.name}"
            if not self._is_folder(path):
                self._file(path, inside)
            elif path.name not in _NO_FOLDERS:
                self._package(path, inside, (*above, real))

    def _entries(self, folder: Path) -> Iterator[Path]:
        """Yield the entries of a folder that are not hidden, sorted."""
        try:
            names = sorted(path.name for path in folder.iterdir())
        except OSError as e:
            raise self._unreadable(folder, e) from e
        for name in names:
            if not name.startswith("."):
                yield folder / name

    def _is_folder(self, path: Path) -> bool:
        """Return whether `path` is a folder, after checking where it leads if it is a link."""
        try:
            if path.is_symlink():
                self._check_link(path)
            return stat.S_ISDIR(path.stat().st_mode)
        except OSError as e:
            raise self._unreadable(path, e) from e

    def _check_link(self, path: Path) -> None:
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError) as e:  # RuntimeError: a loop, before Python 3.13
            raise ConfigError(
                f"{self._shown(path)} is a link that leads nowhere",
                hint="remove it, or put the file there",
            ) from e
        if not target.is_relative_to(self._root):
            raise ConfigError(
                f"{self._shown(path)} is a link that leaves the project",
                hint="copy its target into the project: an artifact holds the project's files only",
            )

    def _file(self, path: Path, name: str) -> None:
        if name.endswith(_NO_SUFFIXES):
            return
        self._refuse_odd(path, name)
        if name.endswith(".py"):
            self.modules[name] = path
        elif name.endswith(".so"):
            self._extension(path, name)
        else:
            self.data[name] = path

    def _refuse_odd(self, path: Path, name: str) -> None:
        try:
            name.encode()
        except UnicodeEncodeError as e:
            raise ConfigError(
                f"{self._shown(path)!a} has a name that is not UTF-8", hint="rename it"
            ) from e
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(
                f"{self._shown(path)} is not a regular file (a pipe, a socket or a device)",
                hint="remove it from the source folder",
            )
        if not os.access(path, os.R_OK):
            raise self._unreadable(path, PermissionError(13, os.strerror(13)))

    def _extension(self, path: Path, name: str) -> None:
        folder, _, file = name.rpartition("/")
        stem, _, suffix = file.partition(".")
        # Without its init function it is a library that the author opens by its path.
        content = path.read_bytes()
        if not any(f"{start}{stem}".encode() in content for start in EXPORTS):
            if folder:
                self.data[name] = path
            return
        other = self._python and suffix.startswith("cpython-")
        if other and not suffix.startswith(f"{self._python}-"):
            return
        self.extensions[f"{folder}/{stem}".strip("/").replace("/", ".")] = path

    def _unreadable(self, path: Path, error: OSError) -> ConfigError:
        return ConfigError(
            f"{self._shown(path)} cannot be read: {error.strerror}",
            hint="make it readable, or move it out of the source folder",
        )

    def _shown(self, path: Path) -> str:
        return _shown(self._project, path)
