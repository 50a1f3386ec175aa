# SPDX-License-Identifier: Apache-2.0
"""Which modules of the standard library an artifact carries.

`left_out` lists what stays behind; [tool.falcokit.package] include and exclude change that by
module name. A name stands for the module, what lies beneath it, and its C half: "sqlite3" is also
"_sqlite3". What Python has frozen (os, zipimport) is in libpython already.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from falcokit.errors import ConfigError, PackageError
from falcokit.package.python.left_out import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.package.python.python_runtime import PythonRuntime
    from falcokit.project.settings import PackageSettings

__all__ = ["StdlibSelection", "stdlib_selection"]

#: Parts of a module whose names do not show that they belong to it.
_PARTNERS = {
    "cProfile": ("_lsprof",),
    "curses": ("_curses_panel",),
    "dbm": ("_gdbm",),
    "pydoc": ("pydoc_data",),
}
#: Without these, Python or falcokit's part of the plugin does not start.
# fmt: off
_NEEDED = frozenset((
    "abc", "asyncio", "codecs", "collections", "contextlib", "dataclasses", "encodings", "enum",
    "functools", "importlib", "io", "json", "logging", "os", "posixpath", "re", "stat", "threading",
    "traceback", "types", "typing", "zipimport",
))
# fmt: on
#: Folders next to the modules that are not modules: installed packages, parts of a build.
_NO_MODULES = frozenset({"site-packages", "dist-packages", "lib-dynload", "__pycache__"})
#: What a system's administrator adds to the start of Python; a plugin's Python has no `site`.
_SITE = frozenset({"sitecustomize", "usercustomize"})
_LICENSE = "LICENSE.txt"


@dataclass(frozen=True, kw_only=True)
class StdlibSelection:
    """The files of the standard library that are shipped."""

    pure: dict[str, Path]
    """ "asyncio/base_events.py" -> the file; sorted. Also the few data files."""
    extensions: dict[str, Path]
    """ "_ssl" -> its shared library; sorted."""
    left_out: tuple[str, ...]
    """The names that exist and are not shipped."""


def stdlib_selection(runtime: PythonRuntime, settings: PackageSettings) -> StdlibSelection:
    """Select the parts of the standard library of `runtime` that are shipped.

    Raises:
        ConfigError: include or exclude names a module that there is not, or that must stay.
        PackageError: the standard library cannot be read.

    """
    try:
        pure = dict(sorted(_pure_files(runtime.stdlib)))
        extensions = dict(sorted(_extension_files(runtime)))
    except OSError as e:
        raise PackageError(
            f"the standard library of {runtime.label} cannot be read: {e.strerror}"
        ) from e
    if "os.py" not in pure:
        raise PackageError(
            f"the standard library of {runtime.label} has no sources",
            hint="use a Python that is installed with its .py files",
        )
    there = {_module(name) for name in pure if name.endswith(".py")} | set(extensions)
    include = _names("include", settings.include, there)
    exclude = _names("exclude", settings.exclude, there)
    needed = sorted(exclude & _NEEDED)
    if needed:
        raise ConfigError(
            f"[tool.falcokit.package] exclude: without {needed[0]!r} no plugin starts",
            hint="remove it from the list",
        )
    out = frozenset(LEFT_OUT)
    out = (_with_partners(out) - _with_partners(include)) | _with_partners(exclude)
    gone = {module for module in there if _is_below(module, out)}
    return StdlibSelection(
        pure={
            name: path
            for name, path in pure.items()
            if _module(name) not in runtime.frozen and not _is_below(_module(name), out)
        },
        extensions={name: path for name, path in extensions.items() if name not in gone},
        left_out=tuple(sorted(name for name in out if name in there)),
    )


def _module(name: str) -> str:
    """Return the module with this source in the archive, or the package that contains it."""
    path, _, suffix = name.rpartition(".")
    if suffix != "py":
        return name.rpartition("/")[0].replace("/", ".")
    return path.removesuffix("/__init__").replace("/", ".")


def _is_below(module: str, names: frozenset[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[: i + 1]) in names for i in range(len(parts)))


def _with_partners(names: frozenset[str]) -> frozenset[str]:
    """Add to each module its C half: "curses" also means "_curses" and "_curses_panel"."""
    partners = {f"_{name}" for name in names if "." not in name}
    listed = {partner for name in names for partner in _PARTNERS.get(name, ())}
    return names | partners | listed


def _names(key: str, given: tuple[str, ...], there: set[str]) -> frozenset[str]:
    """Check the module names of a setting; a name with a slash is a file of a distribution."""
    names = frozenset(name for name in given if "/" not in name)
    # Another Python may have it, and a project is packaged for more than one.
    known = there | sys.stdlib_module_names | LEFT_OUT.keys()
    unknown = sorted(names - known)
    if unknown:
        raise ConfigError(
            f"[tool.falcokit.package] {key}: the standard library has no module {unknown[0]!r}",
            hint="files of the dependencies are named with a slash: package/tests",
        )
    return names


def _pure_files(stdlib: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, files in os.walk(stdlib):
        inside = Path(folder).relative_to(stdlib).as_posix()
        # A name that is not an identifier cannot be imported: config-3.13-x86_64-linux-gnu
        folders[:] = [f for f in folders if f.isidentifier() and f not in _NO_MODULES]
        top = inside == "."
        for file in files:
            stem, dot, suffix = file.rpartition(".")
            is_module = dot and suffix == "py" and stem not in _SITE
            if is_module or (top and file == _LICENSE):
                yield (file if top else f"{inside}/{file}"), Path(folder, file)


def _extension_files(runtime: PythonRuntime) -> Iterator[tuple[str, Path]]:
    if not runtime.dynload.is_dir():
        return
    for path in runtime.dynload.iterdir():
        name, dot, suffix = path.name.partition(".")
        if dot + suffix in runtime.suffixes:
            yield name, path
