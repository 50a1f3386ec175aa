# SPDX-License-Identifier: Apache-2.0
"""Standard logging, carried to the host's log under the plugin that speaks.

Falco has eight severities; the three that Python has no level for are FATAL, NOTICE and TRACE. The
plugin is told by the context (hooks and producers run in their state's), else by the file that
logs, else it is the one that came last.
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
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
    "plugin_logger",
    "targets",
]

FATAL: Final = 60
NOTICE: Final = 25
TRACE: Final = 5
_OWN: Final = "falcokit.plugin."

#: Level -> ss_plugin_log_severity, from the top: the first that the level reaches.
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

#: The state whose hook or producer runs here.
current: ContextVar[LogTarget | None] = ContextVar("falcokit_state", default=None)
#: Every live state, oldest first.
targets: list[LogTarget] = []


def severity_of(level: int) -> int:
    """Return the framework's severity for a level of logging."""
    return next(severity for floor, severity in _SEVERITIES if level >= floor)


def plugin_logger(name: str) -> logging.Logger:
    """Return the logger of a plugin; all it logs reaches the host, which has its own filter."""
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
        try:
            text = self.format(record)
        except Exception as e:  # noqa: BLE001  # a log call never harms who logs
            text = f"{record.pathname}:{record.lineno}: cannot format {record.msg!r}: {e}"
        try:
            state.write_log(severity_of(record.levelno), component, text)
        except Exception:  # noqa: BLE001
            self.handleError(record)


class _LoggedStream:
    """Stands in for sys.stdout, which is the host's: each line becomes a log message."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, write_line: Callable[[str], None]) -> None:
        self._write_line = write_line
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._write_line(line)
        return len(text)

    def flush(self) -> None:
        rest, self._rest = self._rest, ""
        if rest:
            self._write_line(rest)

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("a plugin has no standard output: it is the host's")


def install_once() -> None:
    """Carry logging to the live states. Called by `falcokit.testing`, and by `install`."""
    root = logging.getLogger()
    if any(isinstance(handler, _HostHandler) for handler in root.handlers):
        return
    for level, name in ((FATAL, "FATAL"), (NOTICE, "NOTICE"), (TRACE, "TRACE")):
        logging.addLevelName(level, name)
    root.addHandler(_HostHandler())
    root.setLevel(logging.INFO)


def install() -> None:
    """Carry logging, print and uncaught exceptions to the host. Called once, by `_bridge`."""
    install_once()
    root = logging.getLogger()
    logging.raiseExceptions = False

    printed: Any = _LoggedStream(lambda line: root.info("%s", line))
    sys.stdout = sys.__stdout__ = printed  # type: ignore[misc]
    sys.unraisablehook = lambda u: root.error(
        "%s: %r: %s", u.err_msg or "exception ignored in", u.object, u.exc_value
    )
    import threading  # noqa: PLC0415

    threading.excepthook = lambda a: root.error(
        "thread %s ended by %s: %s", a.thread and a.thread.name, a.exc_type.__name__, a.exc_value
    )
