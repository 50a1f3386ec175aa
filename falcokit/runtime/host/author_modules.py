# SPDX-License-Identifier: Apache-2.0
"""Imports the author's modules: one folder per project, all in one interpreter.

In the development layout all plugins of a process share sys.modules, so two projects cannot both
have a module `util`: the second is refused at init.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from types import ModuleType
from typing import TYPE_CHECKING, Any

from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.base.plugin import Plugin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

__all__ = [
    "add_source_folder",
    "changed_files",
    "forget_modules",
    "import_plugin",
    "is_of_project",
    "plugin_modules",
]

#: Names that tools put next to the code and that a plugin does not import.
_NOT_IMPORTED = frozenset({"conftest", "setup", "tests", "test", "docs", "examples", "noxfile"})

_claimed: dict[str, frozenset[str]] = {}  # source folder -> top-level modules
_read: dict[str, tuple[int, int]] = {}  # source file -> its mtime, and a hash of its content
_claiming = threading.Lock()  # a host may init states of one plugin from several threads at once


def plugin_modules(folder: str) -> frozenset[str]:
    """Return the names of the top-level modules and packages in a source folder."""
    names: set[str] = set()
    for entry in os.scandir(folder):
        stem, suffix = os.path.splitext(entry.name)
        is_package = entry.is_dir() and os.path.isfile(os.path.join(entry.path, "__init__.py"))
        if suffix == ".py" or is_package:
            names.add(stem)
    return frozenset(n for n in names if n.isidentifier()) - _NOT_IMPORTED


class _FreshLoader(SourceFileLoader):
    """Compiles the source each time: cached bytecode is compared by seconds and size only.

    After two saves within a second that keep the size, the first one's code would run.
    """

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        changed_ns = _changed_ns(path)
        data = self.get_data(path)
        code: CodeType = self.source_to_code(data, path)
        _read[path] = (changed_ns, hash(data))
        return code


def _changed_ns(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def changed_files(folder: str) -> list[str]:
    """Return the files below a source folder that have changed since they were imported."""
    found = []
    for path, (changed_ns, read) in list(_read.items()):
        if path.startswith(folder + os.sep) and _changed_ns(path) != changed_ns:
            try:
                with open(path, "rb") as file:
                    same = hash(file.read()) == read
            except OSError:  # it was deleted
                same = False
            if not same:
                found.append(os.path.relpath(path, folder))
    return sorted(found)


def is_of_project(file: str, folder: str) -> bool:
    """Return whether a file is the project's own: below its folder, and of no installed package."""
    return file.startswith(folder + os.sep) and "-packages" + os.sep not in file[len(folder) :]


def forget_modules(folder: str) -> None:
    """Have the project's own modules imported afresh when they are next asked for.

    Modules in C stay: a process can load them once.
    """
    for name, module in list(sys.modules.items()):
        found = vars(module) if isinstance(module, ModuleType) else {}
        places = [found.get("__file__") or "", *_folders(found)]
        loader = getattr(found.get("__spec__"), "loader", None)
        if isinstance(loader, ExtensionFileLoader):
            continue
        if any(isinstance(p, str) and is_of_project(p, folder) for p in places):
            del sys.modules[name]
    for path in [p for p in _read if p.startswith(folder + os.sep)]:
        del _read[path]
    _claimed.pop(folder, None)  # it may have other modules now


def _folders(module: dict[str, Any]) -> list[Any]:
    try:
        return list(module.get("__path__") or ())
    except Exception:  # noqa: BLE001  # a namespace package whose parent has gone
        return []


def add_source_folder(folder: str) -> None:
    """Put the author's folder on sys.path, in the host as in the build.

    It comes after the standard library, which a plugin's file must not replace, and before the
    packages.
    """
    loaders = [(ExtensionFileLoader, EXTENSION_SUFFIXES), (_FreshLoader, SOURCE_SUFFIXES)]

    def find_in(path: str) -> FileFinder:
        if path != folder and not path.startswith(folder + os.sep):
            raise ImportError
        return FileFinder(path, *loaders)

    if folder not in sys.path:
        sys.path_hooks.insert(0, find_in)
        after = [i for i, path in enumerate(sys.path) if path.endswith("lib-dynload")]
        sys.path.insert(after[-1] + 1 if after else 0, folder)
    # From 3.12 on importlib.invalidate_caches() would import half of the standard library.
    for path in [
        p for p in sys.path_importer_cache if p == folder or p.startswith(folder + os.sep)
    ]:
        del sys.path_importer_cache[path]


def _claim(folder: str) -> None:
    if folder in _claimed:
        return
    if not os.path.isdir(folder):
        raise PluginError(
            f"the plugin's source folder {folder} does not exist any more: run 'falcokit build'"
        )
    names = plugin_modules(folder)
    for other, theirs in _claimed.items():
        both = sorted(names & theirs)
        if both:
            raise PluginError(
                f"module {both[0]!r} is in {folder} and in {other}, and both plugins run in this"
                " process: development builds share one Python, so rename one module, or package"
                " the plugins"
            )
    _claimed[folder] = names
    add_source_folder(folder)


def import_plugin(target: str, folder: str, paths: Iterable[str]) -> type[Any]:
    """Return the plugin class `module:Class`, importing it from `folder`.

    A packaged plugin has no paths: its code is in the archive with which Python was started.

    Raises:
        PluginError: the folder, the class, or the module's place has changed since the build.
        Exception: any exception that the module raises.

    """
    paths = list(paths)
    for path in paths:
        if path not in sys.path:
            sys.path.append(path)
    if paths:
        with _claiming:
            _claim(folder)
    module_name, _, class_name = target.partition(":")
    module = importlib.import_module(module_name)
    plugin = getattr(module, class_name, None)
    if not (isinstance(plugin, type) and issubclass(plugin, Plugin)):
        raise PluginError(f"{module.__file__}: the plugin class {class_name} no longer exists")
    return plugin
