# SPDX-License-Identifier: Apache-2.0
"""Whether the author's modules in this process belong to the library that is being initialised.

A library has its metadata from the build, and Python imports a module once per process. A host that
loads a rebuilt library again would get the new metadata with the old code. So at each init:

    no other state of the folder lives     changed modules are imported afresh
    one lives, nothing has changed         they share the modules
    one lives, of the same build           they share them, and the log says that files have changed
    one lives, of another build            init fails

The third is what Falco does when its configuration has changed: it tries a state out on another
thread while the capture runs, with the library that it has loaded already. The real init follows
when the states before are destroyed. Any thread; only for development builds.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.async_event.producers import place_of_thread
from falcokit.runtime.base.errors import PluginError
from falcokit.runtime.host.author_modules import changed_files, forget_modules, is_of_project

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["enter", "leave"]

_ENDING_SECONDS: Final = 2.0  # for threads of code that is to be replaced


class _Project:
    """A source folder: its living states, and the builds whose modules are loaded."""

    def __init__(self) -> None:
        self.states = 0
        self.builds: dict[str, str] = {}  # target -> build


_projects: dict[str, _Project] = {}
_lock = threading.Lock()


def enter(folder: str, target: str, build: str) -> str:
    """Count a state that begins; `leave` has to follow. Return what its author should know.

    Raises:
        PluginError: the modules are of another build, and in use.

    """
    with _lock:
        project = _projects.setdefault(folder, _Project())
        changed = ", ".join(changed_files(folder))
        loaded = project.builds.get(target)
        told = ""
        if project.states:
            if changed and loaded != build:
                raise PluginError(
                    f"the plugin was built anew, since {changed} has changed, and the code before"
                    " still runs in this process, in another state of the plugin: close that first,"
                    " or start a new process"
                )
            if changed:
                told = (
                    f"{changed} has changed, and this state runs the code before, as the one beside"
                    " it does: the change holds when all states have been closed"
                )
        elif changed or loaded not in {None, build}:
            _end_threads(folder)
            forget_modules(folder)
            project.builds.clear()
            gc.collect()  # modules and classes are cycles
        project.builds[target] = build
        project.states += 1
        return told


def leave(folder: str) -> None:
    """Count a state that has ended."""
    with _lock:
        _projects[folder].states -= 1


def _end_threads(folder: str) -> None:
    """Wait until no thread runs the project's code: it would go on beside the new.

    Raises:
        PluginError: one does.

    """
    deadline = time.monotonic() + _ENDING_SECONDS
    while (found := _thread_of(folder)) is not None:
        if time.monotonic() > deadline:
            raise PluginError(
                f"the plugin's code has changed, but {found} still runs the code before: end it in"
                " stop_async or destroy (what waits with self.sleep ends by itself), or start a new"
                " process"
            )
        time.sleep(0.01)


def _thread_of(folder: str) -> str | None:
    """Return which thread runs or will run code of the project, and where; None: none does."""
    me = threading.get_ident()
    named = {thread.ident: thread for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():  # noqa: SLF001  # there is no other way
        thread = named.get(ident)
        if ident == me or not (_is_inside(frame, folder) or _will_be(thread, folder)):
            continue
        return f"the thread {thread.name if thread else ident!r}, {place_of_thread(ident)},"
    return None


def _is_inside(frame: FrameType | None, folder: str) -> bool:
    while frame is not None:
        if is_of_project(frame.f_code.co_filename, folder):
            return True
        frame = frame.f_back
    return False


def _will_be(thread: Any, folder: str) -> bool:
    """Return whether a thread was started for a function of the project, as a Timer is."""
    for name in ("_target", "function"):
        code = getattr(getattr(thread, name, None), "__code__", None)
        if code is not None and is_of_project(code.co_filename, folder):
            return True
    return False
