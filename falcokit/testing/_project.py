# SPDX-License-Identifier: Apache-2.0
"""The author's project that pytest runs in: its class, and libraries for hosts."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from falcokit.errors import ConfigError, PluginDefinitionError
from falcokit.project.plugin_config import checked_json, plugin_text
from falcokit.project.settings import Project, load_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.runtime.base.plugin import Plugin

__all__ = ["TestedProject"]


class TestedProject:
    """What is tested: the project of pytest's rootdir."""

    __test__ = False  # pytest collects what is called Test...

    def __init__(self, root: Path, made: Path) -> None:
        """Know the project in `root`, which is read when it is asked for; make files in `made`."""
        self._root = root
        self._made = made
        self._libraries: dict[type[Any] | Path, Path] = {}

    @functools.cached_property
    def project(self) -> Project:
        """Its settings.

        Raises:
            ConfigError: there is no pyproject.toml with [tool.falcokit].

        """
        return load_project(self._root)

    @functools.cached_property
    def plugin(self) -> type[Plugin]:
        """The class that [tool.falcokit] names, imported as the project's tests import it.

        Raises:
            PluginDefinitionError: there is no such module or class.

        """
        module_name, _, class_name = self.project.plugin.partition(":")
        folder = str(self.project.source_dir)
        if folder not in sys.path:
            sys.path.insert(0, folder)
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as e:
            if e.name != module_name:
                raise
            raise PluginDefinitionError(
                f"there is no module {module_name!r} in {folder}",
                hint=f"[tool.falcokit] plugin = {self.project.plugin!r} names it",
                file=str(self.project.file),
            ) from e
        found = getattr(module, class_name, None)
        if not isinstance(found, type):
            raise PluginDefinitionError(
                f"class {class_name!r} does not exist",
                hint=f"[tool.falcokit] plugin = {self.project.plugin!r} names it",
                file=module.__file__ or module_name,
            )
        return found

    def is_own(self, plugin: type[Any]) -> bool:
        """Tell whether a class is the project's."""
        with contextlib.suppress(ConfigError, PluginDefinitionError):
            return plugin is self.plugin
        return False

    def config(self, plugin: type[Any]) -> str | None:
        """Return the init config of a class that a test gives none: the project's, for its own.

        Raises:
            ConfigError: it is in a file that cannot be read, or is not JSON.

        """
        with contextlib.suppress(ConfigError):
            if self.project.init_config is None:
                return None
        if not self.is_own(plugin):
            return None
        return checked_json(plugin_text("init_config", option=None, project=self.project))

    def library(self, plugin: type[Any] | Path | str) -> Path:
        """Return the library of a class, of a project in a folder, or a library itself.

        Raises:
            FalcokitError: what `falcokit build` says.

        """
        wanted = plugin if isinstance(plugin, type) else Path(plugin).absolute()
        if wanted not in self._libraries:
            self._libraries[wanted] = self._find(wanted)
        return self._libraries[wanted]

    def _find(self, wanted: type[Any] | Path) -> Path:
        if isinstance(wanted, Path):
            if wanted.suffix == ".so":
                return wanted
            project = load_project(wanted)
        elif self.is_own(wanted):
            project = self.project
        else:
            project = self._around(wanted)
        from falcokit.build.build_project import build  # noqa: PLC0415  cffi is slow to load

        with _locked(project.build_dir):
            return build(project).library

    def _around(self, plugin: type[Any]) -> Project:
        """Return a project for a class that has none: one of the tests themselves."""
        name, module = plugin.__qualname__, plugin.__module__
        if "<locals>" in name or "." in name:
            raise ConfigError(
                f"the class {name} cannot be built for a host in another process",
                hint="define it at the top of its module",
            )
        folder = Path(inspect.getfile(plugin)).absolute().parent
        for _ in range(module.count(".")):
            folder = folder.parent
        root = self._made / f"{module}.{name}"
        root.mkdir(parents=True, exist_ok=True)
        return Project(
            root=root,
            plugin=f"{module}:{name}",
            source_dir=folder,
            name=name.lower(),
            version="0.1.0",
            description="A plugin of a test.",
            contact="nobody",
        )


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one of pytest's processes at a time build in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
