# SPDX-License-Identifier: Apache-2.0
"""Forwards standard logging to the host's log, under the name of the plugin that logs.

Falco has eight severities; the three that Python has no level for are FATAL, NOTICE and TRACE. The
plugin is found by the context (hooks and producers run in their state's context), else by the file
that logs; if neither is known, it is the newest plugin.
"""

from __future__ import annotations

import functools
import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.base.errors import (
    WorkCancelledError,
    describe_error,
    format_error,
    is_whole,
    own_frames,
    places_of,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from typing import Protocol

    class LogTarget(Protocol):
        """A plugin state, as the log needs it."""

        name: str
        source_dir: str

        def write_log(self, severity: int, component: str | None, text: str) -> None:
            """Hand one message to the host."""


__all__ = [
    "FATAL",
    "NOTICE",
    "TRACE",
    "current",
    "install",
    "install_once",
    "log_error",
    "loggable",
    "plugin_logger",
    "targets",
    "whole_trace",
]

FATAL: Final = 60
NOTICE: Final = 25
TRACE: Final = 5
_OWN: Final = "falcokit.plugin."
_TRACE_MAX: Final = 100  # calls of a whole traceback
_LINE_MAX: Final = 8192  # characters without a newline after which print becomes a message

#: Logging level -> ss_plugin_log_severity, highest first: the first that the level reaches.
_SEVERITIES: Final = (
    (FATAL, 1),
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (NOTICE, 5),
    (logging.INFO, 6),
    (logging.DEBUG, 7),
    (0, 8),
)

#: The state whose hook or producer runs in this context.
current: ContextVar[LogTarget | None] = ContextVar("falcokit_state", default=None)
#: Every live state, oldest first.
targets: list[LogTarget] = []


def severity_of(level: int) -> int:
    """Return the framework's severity for a level of logging."""
    return next(severity for floor, severity in _SEVERITIES if level >= floor)


def plugin_logger(name: str) -> logging.Logger:
    """Return the logger of a plugin; all its messages reach the host, which filters by itself."""
    logger = logging.getLogger(_OWN + name)
    if logger.level == logging.NOTSET:
        logger.setLevel(TRACE)
    return logger


def _target(path: str) -> LogTarget | None:
    state = current.get()
    if state is not None:
        return state
    alive = list(targets)
    owner = [s for s in alive if s.source_dir and path.startswith(s.source_dir)]
    return (owner or alive or [None])[-1]  # type: ignore[list-item]


class _HostHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        state = _target(record.pathname)
        if state is None:
            return
        own = record.name.startswith(_OWN) or record.name == "root"
        component = None if own else f"{state.name}.{record.name}"
        error = record.exc_info[1] if record.exc_info and not record.stack_info else None
        try:
            if error is None:
                text = self.format(record)
            else:  # as every error of a plugin, not as a traceback
                text = describe_error(error, record.getMessage())
        except BaseException as e:  # noqa: BLE001  # a log call never raises into its caller
            text = f"{record.pathname}:{record.lineno}: cannot format {_shown(record.msg)}: "
            text += _shown(e, str)
        try:
            state.write_log(severity_of(record.levelno), component, text)
            if error is not None and not is_whole(error):
                state.write_log(severity_of(logging.DEBUG), component, whole_trace(error))
        except Exception:  # noqa: BLE001
            self.handleError(record)


def _shown(value: object, how: Callable[[object], str] = repr) -> str:
    try:
        return how(value)
    except BaseException as e:  # noqa: BLE001  # the author's __repr__ or __str__
        return f"{type(value).__name__}, text unavailable ({type(e).__name__})"


def whole_trace(error: BaseException) -> str:
    """Return the traceback as Python writes it, of the innermost calls if there are many."""
    import traceback  # noqa: PLC0415

    return "".join(traceback.format_exception(error, limit=-_TRACE_MAX)).rstrip()


def log_error(error: BaseException, what: str) -> None:
    """Log an exception that no caller can catch, under the plugin whose code raised it."""
    own = own_frames(places_of(error))
    state = _target(own[-1].filename if own else "")
    if state is not None:
        state.write_log(severity_of(logging.ERROR), None, format_error(error, what))


def loggable(text: str) -> str:
    """Return a text that C can take: without NUL and halves of surrogate pairs."""
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()


class _LoggedStream:
    """Replaces sys.stdout, which belongs to the host: each line becomes a log message."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, write_line: Callable[[str], None]) -> None:
        self._write_line = write_line
        self._rest: list[str] = []  # the start of a line that is not complete yet
        self._length = 0

    def write(self, text: str) -> int:
        first, *more = text.split("\n")
        self._rest.append(first)
        self._length += len(first)
        if more:
            self._end_line()
            *whole, last = more
            for line in whole:
                self._write_line(line)
            self._rest.append(last)
            self._length += len(last)
        if self._length > _LINE_MAX:
            self.flush()
        return len(text)

    def _end_line(self) -> None:
        # Taken out in one step: other threads print too.
        parts, self._rest, self._length = self._rest, [], 0
        self._write_line("".join(parts))

    def flush(self) -> None:
        if self._length:
            self._end_line()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("a plugin has no standard output: it belongs to the host")


def install_once() -> None:
    """Forward logging to the live states, and let threads end with their capture.

    These are the only changes to a Python that falcokit has not started.
    """
    root = logging.getLogger()
    if any(isinstance(handler, _HostHandler) for handler in root.handlers):
        return
    for level, name in ((FATAL, "FATAL"), (NOTICE, "NOTICE"), (TRACE, "TRACE")):
        logging.addLevelName(level, name)
    root.addHandler(_HostHandler())
    root.setLevel(logging.INFO)
    import threading  # noqa: PLC0415

    threading.excepthook = functools.partial(_thread_ended, threading.excepthook)


def install() -> None:
    """Forward logging, print, warnings and uncaught exceptions to the host."""
    install_once()
    root = logging.getLogger()
    logging.raiseExceptions = False

    printed: Any = _LoggedStream(lambda line: root.info("%s", line))
    sys.stdout = sys.__stdout__ = printed  # type: ignore[misc]
    import threading  # noqa: PLC0415
    import warnings  # noqa: PLC0415

    sys.unraisablehook = _unraisable
    threading.excepthook = functools.partial(_thread_ended, _thread_failed)
    warnings.showwarning = functools.partial(_warned, warnings.showwarning)


def _unraisable(given: sys.UnraisableHookArgs) -> None:
    what = f"{given.err_msg or 'exception ignored in'} {_shown(given.object)}"
    if given.exc_value is not None:
        log_error(given.exc_value, what)


def _thread_ended(
    fail: Callable[[threading.ExceptHookArgs], Any], given: threading.ExceptHookArgs
) -> None:
    if not isinstance(given.exc_value, WorkCancelledError):
        fail(given)


def _thread_failed(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None:
        log_error(given.exc_value, f"thread {given.thread.name!r}" if given.thread else "a thread")


def _warned(  # noqa: PLR0917  # as warnings.showwarning
    write: Callable[..., None],
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    state = _target(filename)
    if file is not None or state is None:
        write(message, category, filename, lineno, file, line)
        return
    text = f"{filename}:{lineno}: {category.__name__}: {_shown(message, str)}"
    state.write_log(severity_of(logging.WARNING), None, text)
