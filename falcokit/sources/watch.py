# SPDX-License-Identifier: Apache-2.0
"""Watch: which files have come, changed and gone, by the kernel's word or by looking."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.base.errors import PluginError
from falcokit.sources.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from falcokit.sources.inotify import Inotify, Notice

__all__ = ["Watch"]

_POLL_SECONDS: Final = 0.1
_PENDING_MAX: Final = 10_000


class Watch(Feed):
    """Changes as `{"path": ..., "change": "created" | "changed" | "removed" | "overflow"}`.

    They say where to look, not what has happened: several changes of a file within a moment are
    one, and a file that is there only for a moment may be told of or not. Of a folder that is
    moved away or removed there is one change, of a new one there are those of the files in it.
    "overflow": more has changed below that path than is kept apart, so look at all of it. Links are
    not followed, but for the paths themselves. A path that is not there yet is watched from when
    it is.

    Args:
        paths: Files and folders.
        recursive: Also the folders below.
        existing: Begin with what is there, as "created".
        every: Seconds between two looks where the kernel has no inotify left, and for paths that
            are not there yet.
        max_files: Files and folders that are watched; the others are counted as left out.
        inotify: False: only look.
        name: Prefix of the metrics: <name>_changes and so on.

    Raises:
        PluginError: there are no paths.

    """

    name = "watch"
    counts = ("changes", "overflows", "left_out")

    def __init__(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        recursive: bool = True,
        existing: bool = False,
        every: float = 1.0,
        max_files: int = 100_000,
        inotify: bool = True,
        name: str | None = None,
    ) -> None:
        if isinstance(paths, str | os.PathLike):
            raise PluginError("paths= is a list of paths")
        self._paths = [os.path.abspath(path) for path in paths]
        if not self._paths or every <= 0:
            raise PluginError("there must be a path to watch, and every= must be above 0")
        self._recursive, self._every, self._most = recursive, every, max_files
        self._lock = threading.Lock()  # the kernel's file is closed by another thread than reads it
        self._inotify: Inotify | None = None
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._watched: set[str] = set()  # folders
        self._pending: dict[str, str] = {}
        super().__init__(name)
        if inotify:
            self._begin()
        with self._lock:
            self._look(first=not existing)
        self._due = time.monotonic() + every

    def _begin(self) -> None:
        try:
            from falcokit.sources.inotify import Inotify  # noqa: PLC0415  # ctypes: 5 ms

            self._inotify = Inotify()
        except (OSError, ImportError, AttributeError) as e:
            self.warn("inotify", "no notifications of the kernel, looking instead: %s", e)
        if self.closed.is_set():
            self._release()

    def read(self) -> list[dict[str, Any]]:
        """Wait for changes, and return them."""
        while not self.closed.is_set():
            with self._lock:
                if self._inotify is not None:
                    self._take(self._inotify.read())
                if time.monotonic() >= self._due and not self.closed.is_set():
                    if self._inotify is None or not self._watches_all():
                        self._look()
                    self._due = time.monotonic() + self._every
            if self._pending:
                found, self._pending = self._pending, {}
                self.counters.add("changes", len(found))
                return [{"path": path, "change": change} for path, change in found.items()]
            self._wait(self._inotify)
        return []

    def _wait(self, inotify: Inotify | None) -> None:
        seconds = min(_POLL_SECONDS, max(0.0, self._due - time.monotonic()))
        if inotify is None:
            self.closed.wait(seconds)
            return
        with self._lock:
            if not self.closed.is_set():
                inotify.wait(seconds)

    # ---- by notifications ------------------------------------------------------------------------

    def _watches_all(self) -> bool:
        return all(self._folder_of(path) in self._watched for path in self._paths)

    @staticmethod
    def _folder_of(path: str) -> str:
        # A file is watched by its folder: programs replace it by renaming another one.
        return path if os.path.isdir(path) else os.path.dirname(path)

    def _take(self, notices: list[Notice]) -> None:
        for folder, name, change, is_folder in notices:
            if not folder:  # inotify.OVERFLOW
                self.counters.add("overflows")
                self._look()  # finds what the notices said, and folders that are new
                continue
            path = os.path.join(folder, name) if name else folder
            if not self._is_ours(path):
                continue
            if is_folder and change == "changed":
                continue  # its rights; what is in it has notices of its own
            if is_folder and change == "created":
                if self._recursive or path in self._paths:
                    self._look_at(path)
                continue
            if is_folder and change == "removed":
                self._forget(path)
            elif change == "removed":
                self._seen.pop(path, None)
            elif (state := _state(path)) is not None:
                self._seen[path] = state
            self._note(path, change)

    def _is_ours(self, path: str) -> bool:
        return any(path == own or path.startswith(own.rstrip("/") + "/") for own in self._paths)

    def _forget(self, folder: str) -> None:
        below = folder.rstrip("/") + "/"
        gone = {one for one in self._watched if one == folder or one.startswith(below)}
        self._watched -= gone
        for path in [one for one in self._seen if one.startswith(below)]:
            del self._seen[path]
        if self._inotify is not None:
            self._inotify.forget(folder)

    def _watch(self, folder: str) -> None:
        if self._inotify is None or folder in self._watched:
            return
        try:
            self._inotify.watch(folder, follow_link=folder in self._paths)
            self._watched.add(folder)
        except OSError as e:
            if isinstance(e, FileNotFoundError | NotADirectoryError):
                return  # it has gone meanwhile
            self.counters.add("left_out")
            self.warn("watch", "%s is not watched: %s", folder, e.strerror)

    def _overflow(self) -> None:
        self.counters.add("overflows")
        self._pending.clear()
        for path in self._paths:
            self._pending[path] = "overflow"

    def _note(self, path: str, change: str) -> None:
        if len(self._pending) >= _PENDING_MAX and path not in self._pending:
            self._overflow()
        elif self._pending.get(path) != "overflow":
            before = self._pending.get(path)
            self._pending[path] = (
                "created" if before == "created" != change == "changed" else change
            )

    # ---- by looking ------------------------------------------------------------------------------

    def _look(self, *, first: bool = False) -> None:
        """Compare what is there with what was."""
        before, self._seen = self._seen, {}
        for path in self._paths:
            if not os.path.isdir(path):
                self._watch(os.path.dirname(path))
            self._look_at(path, before, first=first)
        for path in before.keys() - self._seen.keys():
            self._note(path, "removed")

    def _look_at(
        self,
        path: str,
        before: dict[str, tuple[int, int, int]] | None = None,
        *,
        first: bool = False,
    ) -> None:
        known = self._seen if before is None else before
        for found in self._below(path):
            if self.closed.is_set():
                return
            if len(self._seen) >= self._most:
                self.counters.add("left_out")
                self.warn("most", "only %d files are watched", self._most)
                return
            state = _state(found)
            if state is None:
                continue
            was = known.get(found)
            self._seen[found] = state
            if was is None and not first:
                self._note(found, "created")
            elif was is not None and was != state:
                self._note(found, "changed")

    def _below(self, path: str) -> Iterator[str]:
        """Yield the file, or the files in the folder; each folder is watched before it is read."""
        if not os.path.isdir(path) or (os.path.islink(path) and path not in self._paths):
            yield path
            return
        for folder, folders, files in os.walk(path):
            if len(self._watched) < self._most:
                self._watch(folder)
            if not self._recursive:
                folders.clear()
            for name in files:
                yield os.path.join(folder, name)

    def _release(self) -> None:
        with self._lock:
            inotify, self._inotify = self._inotify, None
            if inotify is not None:
                inotify.close()


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
