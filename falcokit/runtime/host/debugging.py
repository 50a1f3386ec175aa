# SPDX-License-Identifier: Apache-2.0
"""The author's debugger, and what measures the code, in the process of the host.

Debuggers, coverage and profilers trace the threads that Python starts. The host's threads and
falcokit's own are none of these: they ask for themselves, before each hook, whether they shall be
traced. Used by `falcokit dev --debug`, and in the process of a test.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from importlib import import_module
from typing import TYPE_CHECKING, Final

import _falcokit_hot

from falcokit.runtime.base.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["begin", "breakpoint_without_terminal", "join_tracing", "listen"]

#: The port of this machine on which debugpy listens, in a development build; set by `falcokit dev`.
_PORT: Final = "FALCOKIT_DEBUGPY_PORT"
_MOST_PLACES: Final = 100

_told: set[tuple[str, int]] = set()
#: What tells the attached debugger of the current thread.
_debuggers: list[Callable[[], None]] = []


class _ThisThread(threading.local):
    is_known = False  # to the debugger


_this_thread = _ThisThread()


def begin() -> None:
    """Wait for hooks however long they take, and trace the threads that run them."""
    _falcokit_hot.begin_debugging(join_tracing)


def join_tracing() -> None:
    """Trace the current thread, if new threads of Python would be traced."""
    if _debuggers:
        if not _this_thread.is_known:
            _this_thread.is_known = True
            _debuggers[0]()
        return
    trace, profile = threading.gettrace(), threading.getprofile()
    if trace is not None and sys.gettrace() is None:
        sys.settrace(trace)
    if profile is not None and sys.getprofile() is None:
        sys.setprofile(profile)


def listen() -> None:
    """Let a debugger attach, if `falcokit dev --debug` started this host.

    Raises:
        PluginError: debugpy is not there, or the port is taken.

    """
    port = os.environ.get(_PORT)
    if port is not None:
        _listen(port)


@functools.cache
def _listen(port: str) -> None:
    try:
        debugpy = import_module("debugpy")  # of the author's environment
    except ImportError as e:
        raise PluginError(
            "`dev --debug` needs debugpy in the project's environment: pip install"
            f" 'falcokit[debug]' ({e})"
        ) from None
    begin()
    try:
        # Else it would start a program of its own with sys.executable, which is the host.
        debugpy.listen(("127.0.0.1", int(port)), in_process_debug_adapter=True)
    except (OSError, RuntimeError, ValueError) as e:
        raise PluginError(f"debugpy cannot listen on port {port} of 127.0.0.1: {e}") from None
    _debuggers.append(debugpy.debug_this_thread)
    logging.getLogger().info("a debugger can attach to 127.0.0.1:%s", port)


def breakpoint_without_terminal(*_: object, **__: object) -> None:
    """Say what to do in place of `breakpoint()`, once for each place: a host has no terminal."""
    frame = sys._getframe(1)  # noqa: SLF001  # the documented way
    place = frame.f_code.co_filename, frame.f_lineno
    if place in _told or len(_told) >= _MOST_PLACES:
        return
    _told.add(place)
    logging.getLogger().warning(
        "%s:%d: breakpoint() has no terminal in a host: use it with `falcokit test -s`, or run"
        " `falcokit dev --debug` and attach a debugger",
        *place,
    )
