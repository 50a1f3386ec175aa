# SPDX-License-Identifier: Apache-2.0
"""Watches files and folders and says which are to be looked at, on one thread. Used by the plugin.

The kernel's notifications (inotify, by watchdog) only tell where to look: what has happened is
found out by looking, so that one that comes twice, late or for several changes does no harm.
"""

import os
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

from file_state import files_below
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

_PENDING_MAX = 10_000


class Look(Protocol):
    """What is called for each file; `first` while the watcher takes stock."""

    def __call__(self, path: str, *, first: bool) -> None: ...


class Watcher(FileSystemEventHandler):
    """From `start` to `stop`; `known` names the files that were there when looked at last."""

    def __init__(
        self, paths: Iterable[str], look: Look, known: Callable[[], Iterable[str]]
    ) -> None:
        self._paths = [os.path.abspath(path) for path in paths]
        self._look = look
        self._known = known
        self._pending: queue.Queue[str] = queue.Queue(_PENDING_MAX)
        self._overflow = threading.Event()  # more changes than are kept: look at everything
        self._stopping = threading.Event()
        self._observer = Observer()
        self._thread = threading.Thread(target=self._run, name="file-integrity")

    def start(self) -> None:
        """Watch, then take stock: what changes in between is seen twice rather than never."""
        for path in self._paths:
            # a file is watched by its folder: programs replace it by renaming another one
            folder = path if os.path.isdir(path) else os.path.dirname(path)
            if os.path.isdir(folder):
                self._observer.schedule(self, folder, recursive=folder == path)
        self._observer.start()
        self._thread.start()

    def stop(self) -> None:
        """End both threads."""
        self._stopping.set()
        self._observer.stop()
        self._observer.join()
        self._thread.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note which files a notification is about; on watchdog's thread."""
        if event.event_type in {"opened", "closed_no_write"}:
            return
        for raw in (event.src_path, event.dest_path):
            path = os.fsdecode(raw)
            if path and self._is_watched(path):
                try:
                    self._pending.put_nowait(path)
                except queue.Full:
                    self._overflow.set()

    def _is_watched(self, path: str) -> bool:
        return any(path == own or path.startswith(own.rstrip("/") + "/") for own in self._paths)

    def _run(self) -> None:
        self._look_at_all(first=True)
        while not self._stopping.is_set():
            try:
                path = self._pending.get(timeout=0.2)
            except queue.Empty:
                continue
            self._look_below(path, first=False)
            if self._overflow.is_set():
                self._overflow.clear()
                self._look_at_all(first=False)

    def _look_at_all(self, *, first: bool) -> None:
        for path in self._paths:
            self._look_below(path, first=first)

    def _look_below(self, path: str, *, first: bool) -> None:
        """Look at a file, or at what is and what was in a folder."""
        gone = [known for known in self._known() if known.startswith(path.rstrip("/") + "/")]
        for file in dict.fromkeys([*files_below(path), *gone]):
            if self._stopping.is_set():
                return
            self._look(file, first=first)
