# SPDX-License-Identifier: Apache-2.0
"""The Python code of an artifact as one zip: stdlib, falcokit's runtime, dependencies, author.

The zip is not compressed: Python must read it before it can import zlib, and the artifact is
compressed as a whole. Code is stored as bytecode that is never compared with its source.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import falcokit
from falcokit.errors import PackageError, PluginDefinitionError
from falcokit.package.python.bytecode import compile_sources, read_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from falcokit.package.dependencies.dependencies import Dependencies
    from falcokit.package.python.author_code import AuthorFiles
    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.package.python.stdlib import StdlibSelection
    from falcokit.project.settings import Project

__all__ = ["Code", "author_label", "collect_code"]

_SITE: Final = "site-packages"
_FINDER: Final = "runtime/host/carried_modules.py"
#: The oldest date that a zip can hold.
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Code:
    """The zip, and how many bytes belong to which owner."""

    archive: bytes
    sizes: Counter[str]
    """Bytes by owner: "Python", "falcokit", a distribution, the plugin's name."""


def author_label(project: Project) -> str:
    """Return the folder that errors name before the author's files: "src"."""
    inner = project.source_dir.relative_to(project.root)
    return inner.as_posix() if inner.parts else project.root.name


class _Collector:
    """Collects the files of the zip; each name occurs once."""

    def __init__(self, runtime: PythonRuntime) -> None:
        self._runtime = runtime
        self._owner: dict[str, str] = {}
        self.files: dict[str, bytes] = {}
        self.sizes: Counter[str] = Counter()

    def put(self, owner: str, name: str, data: bytes) -> None:
        if name in self.files:
            raise PackageError(
                f"{owner} and {self._owner[name]} both have the file {name}",
                hint="only one of the two can be shipped: leave the other dependency out",
            )
        self.files[name] = data
        self._owner[name] = owner
        self.sizes[owner] += len(data)

    def add(
        self,
        owner: str,
        files: Mapping[str, Path],
        *,
        shown: str,
        optimize: int = 0,
        keep: bool = True,
    ) -> dict[str, object]:
        """Compile Python files, copy the rest; return what did not compile.

        `keep` has the bytecode kept in the cache: not that of files that are being written.
        """
        sources = {name: path for name, path in files.items() if name.endswith(".py")}
        compiled = compile_sources(
            self._runtime, sources, shown=shown, optimize=optimize, keep=keep
        )
        for name, data in compiled.modules.items():
            self.put(owner, name, data)
        for name, path in files.items():
            if name not in sources:
                self.put(owner, name, read_source(path))
        return dict(compiled.failed)


def collect_code(
    project: Project,
    runtime: PythonRuntime,
    stdlib: StdlibSelection,
    dependencies: Dependencies,
    author: AuthorFiles,
) -> Code:
    """Compile and zip all Python code.

    Raises:
        PluginDefinitionError: a file of the author's does not compile; with file and line.
        PackageError: two owners have the same file, or one cannot be read.

    """
    collector = _Collector(runtime)
    short = ".".join(runtime.version.split(".")[:2])
    # Docstrings of the standard library are for help(), which is not used inside Falco.
    collector.add("Python", stdlib.pure, shown=f"python{short}", optimize=2)
    collector.add("falcokit", _own_files(), shown=_SITE)
    for distribution in dependencies.distributions:
        files = {
            name: dependencies.folder / name
            for name in distribution.files
            if not _is_shared_object(name)
        }
        collector.add(distribution.name, files, shown=_SITE)
    failed = collector.add(
        "the plugin",
        {**author.modules, **author.data},
        shown=author_label(project),
        keep=False,
    )
    for name, failure in failed.items():
        raise PluginDefinitionError(
            str(getattr(failure, "message", failure)),
            file=str(author.modules[name]),
            line=getattr(failure, "line", None),
        )
    return Code(archive=_zip(collector.files), sizes=collector.sizes)


def _is_shared_object(name: str) -> bool:
    return ".so" in PurePosixPath(name).suffixes


def _own_files() -> dict[str, Path]:
    """Return falcokit's files for the host; the finder has the name that the glue imports."""
    root = Path(falcokit.__file__).parent
    files = {
        f"falcokit/{p.relative_to(root).as_posix()}": p for p in (root / "runtime").rglob("*.py")
    }
    files["falcokit/__init__.py"] = root / "__init__.py"
    files["_falcokit_payload.py"] = files.pop(f"falcokit/{_FINDER}")
    return dict(sorted(files.items()))


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted({*files, *_namespace_folders(files)}):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 3
            archive.writestr(info, files.get(name, b""))
    return out.getvalue()


def _namespace_folders(files: Mapping[str, bytes]) -> set[str]:
    """Return the folders with code but no __init__: zipimport needs an entry for them."""
    folders = {
        parent
        for name in files
        if name.endswith(".pyc")
        for parent in PurePosixPath(name).parents
        if parent.parts
    }
    return {f"{folder}/" for folder in folders if f"{folder}/__init__.pyc" not in files}
