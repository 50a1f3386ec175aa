# SPDX-License-Identifier: Apache-2.0
"""Watches the project's own files for saves, with inotify through watchdog.

It watches the source folder, pyproject.toml and rules, never the virtual environment, and calls
back on watchdog's thread for every relevant change.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch
from watchdog.observers.polling import PollingObserver

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import TracebackType
    from typing import Self

    from watchdog.observers.api import BaseObserver

    from falcokit.project.settings import Project

__all__ = ["Watcher", "is_relevant", "watched_folders"]

# watchdog also reports reads, which are not changes.
_CHANGES: Final = frozenset({"created", "modified", "moved", "deleted"})
_BESIDE_THE_CODE: Final = frozenset(
    {"build", "dist", "node_modules", "tests", "test", "venv", "env"}
)
"""Folders in a project that are not the plugin; in a source folder these names are packages."""
_SKIPPED_SUFFIXES: Final = frozenset({".pyc", ".pyo", ".swp", ".swx", ".tmp", ".scap", ".so"})
_POLL_SECONDS: Final = 0.2


class Watcher(FileSystemEventHandler):
    """Calls `changed(path)` for every change of the project's files while it is entered."""

    def __init__(
        self,
        project: Project,
        changed: Callable[[Path], None],
        rules_changed: Callable[[Path], None] | None = None,
        rules: Collection[Path] = (),
    ) -> None:
        """Call `rules_changed` for `rules`, by default for the files in the project's rules/."""
        self.polls = False
        self._rules_changed = rules_changed
        self._rules = frozenset(path.absolute() for path in rules)
        self._project = project
        self._changed = changed
        self._observer: BaseObserver | None = None

    def __enter__(self) -> Self:
        try:
            self._observer = self._start(Observer())
        except OSError:
            # No inotify watches left (fs.inotify.max_user_watches), or a file system without them.
            self._observer = self._start(PollingObserver(timeout=_POLL_SECONDS))
            self.polls = True
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=1.0)

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Forward changes that may affect the plugin; runs on watchdog's thread."""
        if event.event_type not in _CHANGES:
            return
        if event.is_directory:
            self._follow(event)
            return
        for name in (event.dest_path, event.src_path):
            path = Path(str(name)) if name else None
            if path is not None and is_relevant(self._project, path):
                self._changed(path)
                return
            if path is not None and self._rules_changed is not None and self._is_rules(path):
                self._rules_changed(path)
                return

    def _follow(self, event: FileSystemEvent) -> None:
        """Watch the source folder again when it was replaced, as by checking out a branch."""
        came = event.dest_path if event.event_type == "moved" else event.src_path
        source = self._project.source_dir
        is_new = event.event_type in {"created", "moved"} and Path(str(came)) == source
        if not is_new or self._observer is None:
            return
        with suppress(KeyError):
            self._observer.unschedule(ObservedWatch(str(source), recursive=True))
        with suppress(OSError):  # already gone again: its next creation is an event too
            self._observer.schedule(self, str(source), recursive=True)
        self._changed(source)

    def _is_rules(self, path: Path) -> bool:
        if self._rules:
            return path.absolute() in self._rules
        own = path.parent == self._project.root / "rules" and path.suffix == ".yaml"
        return own and not path.name.startswith(".")

    def _start(self, observer: BaseObserver) -> BaseObserver:
        folders = watched_folders(self._project)
        for folder in {path.parent for path in self._rules} or {self._project.root / "rules"}:
            if folder.is_dir():
                folders.setdefault(folder, False)
        for folder, recursive in folders.items():
            observer.schedule(self, str(folder), recursive=recursive)
        observer.start()
        return observer


def watched_folders(project: Project) -> dict[Path, bool]:
    """Return the folders to watch, and whether recursively."""
    folders = {project.root: False}
    if project.source_dir != project.root:
        folders[project.source_dir] = True
        return folders
    # Modules next to pyproject.toml: only the packages there, since another folder may be a virtual
    # environment with ten thousand files.
    for folder in sorted(project.root.iterdir()):
        if folder.is_dir() and _is_source(project, folder) and any(folder.glob("*.py")):
            folders[folder] = True
    return folders


def is_relevant(project: Project, path: Path) -> bool:
    """Return whether a change of this file may affect the plugin."""
    if path == project.file:
        return True
    if project.source_dir not in path.parents:
        return False
    folders = takewhile(lambda folder: folder != project.source_dir, path.parents)
    if not all(_is_source(project, folder) for folder in folders):
        return False
    name = path.name
    if name.startswith(".") or name.endswith("~") or name.isdigit():
        return False  # editors' own: .x.swp, x~, vim's probe 4913
    if path.parent == project.root:
        return name.endswith(".py")  # other files here: falco.yaml, captures, notes
    return path.suffix not in _SKIPPED_SUFFIXES


def _is_source(project: Project, folder: Path) -> bool:
    if folder.parent == project.root and folder.name in _BESIDE_THE_CODE:
        return False
    return folder.name != "__pycache__" and not folder.name.startswith(".")
