# SPDX-License-Identifier: Apache-2.0
"""The Python code of an artifact as one zip: stdlib, falcokit's runtime, dependencies, author.

The zip is not compressed: Python must read it before it can import zlib, and the artifact is
compressed as a whole. Code is stored as bytecode that is never compared with its source.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from packaging.utils import canonicalize_name

import falcokit
from falcokit.errors import ConfigError, PackageError, PluginDefinitionError
from falcokit.package.python.bytecode import compile_sources, read_source
from falcokit.package.python.data_files import needs_folder, opens_by_path
from falcokit.package.python.stdlib import LEFT_OUT, is_shipped_when_imported, stdlib_selection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from falcokit.package.dependencies.dependencies import Dependencies
    from falcokit.package.python.author_code import AuthorFiles
    from falcokit.package.python.bytecode import Compiled
    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.package.python.stdlib import StdlibSelection
    from falcokit.project.settings import PackageSettings, Project

__all__ = ["Code", "author_label", "collect_code", "packages_zip"]

_SITE: Final = "site-packages"
_OWN: Final = "the plugin"
_TOOLBOX: Final = "falcokit.sources"
_FINDER: Final = "runtime/host/carried_modules.py"
#: The oldest date that a zip can hold.
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True)
class Code:
    """The zip, and how many bytes belong to which owner."""

    archive: bytes
    sizes: Counter[str]
    """Bytes by owner: "Python", "falcokit", a distribution, the plugin's name."""
    stdlib: StdlibSelection
    packages: dict[str, bytes]
    """Files of the packages that need a real folder, which are not in the zip."""
    in_folder: tuple[str, ...]
    """Their distributions; the plugin's own name among them if its code needs one."""
    missing: tuple[str, ...]
    """Where the author's functions import what is not shipped: "src/x.py:12 imports y"."""


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
        self.packages: dict[str, bytes] = {}
        self.in_folder: list[str] = []
        self.folders: set[str] = set()
        """Those of extension modules, which are not in the zip."""
        self.sizes: Counter[str] = Counter()
        self.imported: set[str] = set()

    def put(self, owner: str, name: str, data: bytes) -> None:
        if name in self._owner:
            raise PackageError(
                f"{owner} and {self._owner[name]} both have the file {name}",
                hint="only one of the two can be shipped: leave the other dependency out",
            )
        is_about = name.partition("/")[0].endswith(".dist-info")
        files = self.packages if owner in self.in_folder and not is_about else self.files
        files[name] = data
        self._owner[name] = owner
        self.sizes[owner] += len(data)

    def add(
        self, owner: str, files: Mapping[str, Path], *, shown: str, keep: bool = True
    ) -> Compiled:
        """Compile Python files, copy the rest.

        `keep` has the bytecode kept in the cache: not that of files that are being written.
        """
        sources = {name: path for name, path in files.items() if name.endswith(".py")}
        compiled = compile_sources(self._runtime, sources, shown=shown, keep=keep)
        self.imported |= {each.name for found in compiled.imports.values() for each in found}
        self.put_all(owner, compiled, files)
        return compiled

    def put_all(self, owner: str, compiled: Compiled, files: Mapping[str, Path]) -> None:
        for name, data in compiled.modules.items():
            self.put(owner, name, data)
        for name, path in files.items():
            if not name.endswith(".py"):
                self.put(owner, name, read_source(path))

    def add_stdlib(self, settings: PackageSettings) -> StdlibSelection:
        """Add the standard library, with what the code imports that is here already."""
        short = ".".join(self._runtime.version.split(".")[:2])
        wanted: set[str] = set()
        more = {name for name in self.imported if is_shipped_when_imported(name)}
        added: set[str] = set()
        while True:
            chosen = stdlib_selection(self._runtime, settings, imported=wanted)
            files = {name: path for name, path in chosen.pure.items() if name not in added}
            if added and not files and more <= wanted:
                return chosen
            sources = {name: path for name, path in files.items() if name.endswith(".py")}
            # First what all plugins have, which is in the cache; then what this one needs besides.
            # Docstrings of the standard library are for help(), which is not used inside Falco.
            compiled = compile_sources(self._runtime, sources, shown=f"python{short}", optimize=2)
            self.put_all("Python", compiled, files)
            added |= files.keys()
            more |= _needed_with(compiled)
            wanted |= more


def _needed_with(compiled: Compiled) -> set[str]:
    """Return what modules of the standard library import whenever they are imported."""
    return {
        each.name
        for name, found in compiled.imports.items()
        # One that is there of itself lacks its module where that is left out, as documented.
        if not name.startswith("encodings/") or f"encodings.{PurePosixPath(name).stem}" in LEFT_OUT
        for each in found
        if each.how == "always"
    }


def collect_code(
    project: Project,
    runtime: PythonRuntime,
    dependencies: Dependencies,
    author: AuthorFiles,
) -> Code:
    """Compile and zip all Python code.

    Raises:
        PluginDefinitionError: a file of the author's does not compile; with file and line.
        PackageError: two owners have the same file, or one cannot be read.

    """
    collector = _Collector(runtime)
    forced = _forced(project, dependencies)
    for distribution in dependencies.distributions:
        files = {
            name: dependencies.folder / name
            for name in distribution.files
            if not _is_shared_object(name)
        }
        if distribution.name in forced or needs_folder(distribution.name, files):
            collector.in_folder.append(distribution.name)
        collector.add(distribution.name, files, shown=_SITE)
        collector.folders |= {
            parent.as_posix()
            for name in distribution.files
            if _is_shared_object(name)
            for parent in PurePosixPath(name).parents
            if parent.parts and all(part.isidentifier() for part in parent.parts)
        }
    files = {**author.modules, **author.data}
    if _OWN in forced or (opens_by_path(author.modules) and (author.data or author.beside)):
        collector.in_folder.append(_OWN)
        files |= author.beside
    own = collector.add(
        _OWN,
        files,
        shown=author_label(project),
        keep=False,
    )
    for name, failure in own.failed.items():
        raise PluginDefinitionError(
            failure.message, file=str(author.modules[name]), line=failure.line
        )
    later = _missing(own, author, dependencies, shown=author_label(project))
    toolbox = any(name.startswith(_TOOLBOX) for name in collector.imported)
    collector.add("falcokit", _own_files(toolbox=toolbox), shown=_SITE)
    stdlib = collector.add_stdlib(project.package)
    archive = _zip(collector.files, collector.folders)
    return Code(
        archive=archive,
        sizes=collector.sizes,
        stdlib=stdlib,
        packages=dict(sorted(collector.packages.items())),
        in_folder=tuple(collector.in_folder),
        missing=later,
    )


def packages_zip(files: Mapping[str, bytes]) -> bytes:
    """Return the archive that is unpacked into a folder where the plugin runs."""
    return _zip(files, frozenset())


def _forced(project: Project, dependencies: Dependencies) -> set[str]:
    """Return whose files the settings want in a folder."""
    names = {canonicalize_name(each.name): each.name for each in dependencies.distributions}
    names[canonicalize_name(project.name or project.root.name)] = _OWN
    unknown = [name for name in project.package.unpack if canonicalize_name(name) not in names]
    if unknown:
        raise ConfigError(
            f"[tool.falcokit.package] unpack: no dependency is called {unknown[0]!r}",
            hint="it takes names of distributions, as in project.dependencies, and your own",
        )
    return {names[canonicalize_name(name)] for name in project.package.unpack}


def _missing(
    own: Compiled, author: AuthorFiles, dependencies: Dependencies, *, shown: str
) -> tuple[str, ...]:
    """Return where the author's functions import what is not shipped.

    Raises:
        PackageError: a module of the author's does so whenever it is imported.

    """
    names = [name for each in dependencies.distributions for name in each.files]
    there = {"falcokit", *sys.stdlib_module_names}
    there |= {re.split("[/.]", name, maxsplit=1)[0] for name in (*names, *author.modules)}
    there |= {module.partition(".")[0] for module in author.extensions}
    found: dict[str, list[str]] = {"always": [], "later": []}
    for name, imports in own.imports.items():
        for each in imports:
            top = each.name.partition(".")[0]
            if top not in there and each.name == top and each.how in found:
                found[each.how].append(f"{shown}/{name}:{each.line} imports {top}")
    if found["always"]:
        raise PackageError(
            f"{'; '.join(found['always'])}: not shipped",
            hint="only project.dependencies of pyproject.toml is shipped: is it in there?",
        )
    return tuple(found["later"])


def _is_shared_object(name: str) -> bool:
    return ".so" in PurePosixPath(name).suffixes


def _own_files(*, toolbox: bool) -> dict[str, Path]:
    """Return falcokit's files for the host; the finder has the name that the glue imports.

    With `toolbox` those of falcokit.sources are among them.
    """
    root = Path(falcokit.__file__).parent
    rooms = ("runtime", "sources") if toolbox else ("runtime",)
    files = {
        f"falcokit/{path.relative_to(root).as_posix()}": path
        for room in rooms
        for path in (root / room).rglob("*.py")
    }
    files["falcokit/__init__.py"] = root / "__init__.py"
    files["_falcokit_payload.py"] = files.pop(f"falcokit/{_FINDER}")
    return dict(sorted(files.items()))


def _zip(files: Mapping[str, bytes], folders: AbstractSet[str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted({*files, *_namespace_folders(files, folders)}):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system = 3
            archive.writestr(info, files.get(name, b""))
    return out.getvalue()


def _namespace_folders(files: Mapping[str, bytes], folders: AbstractSet[str]) -> set[str]:
    """Return the folders with code but no __init__: zipimport needs an entry for them."""
    inside = {
        parent.as_posix()
        for name in files
        if name.endswith(".pyc")
        for parent in PurePosixPath(name).parents
        if parent.parts
    }
    return {f"{folder}/" for folder in inside | folders if f"{folder}/__init__.pyc" not in files}
