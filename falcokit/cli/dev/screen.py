# SPDX-License-Identifier: Apache-2.0
"""The terminal of `falcokit dev`: enters the screen, reads keys, and restores the terminal.

Rich draws on a thread of its own from the shared state, so that the screen stays alive while the
main thread builds; a second thread reads single keys.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import threading
import tty
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.live import Live

from falcokit.cli.console import message, printable_lines
from falcokit.cli.dev.view import DevView
from falcokit.dev.state import DevState

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from falcokit.dev.supervisor import Supervisor
    from falcokit.project.settings import Project
    from falcokit.runner.reports import Report

__all__ = ["DevScreen"]

_REFRESH_HZ: Final = 10
_CONTROL_CHARS: Final = 6
"""Their index in the result of tcgetattr."""


class DevScreen:
    """Draws while it is entered; entering it returns the function that takes the reports."""

    def __init__(self, supervisor: Supervisor, project: Project, *, watch: bool) -> None:
        self._state = DevState()
        self._keys = _Keys(
            {
                "q": supervisor.quit,
                "r": supervisor.rebuild,
                "c": self._state.clear_logs,
                "e": self._explain,
            }
        )
        self._supervisor = supervisor
        console = Console()
        view = DevView(self._state, project, watch=watch, console=console)
        self._live = Live(
            console=console,
            screen=True,
            refresh_per_second=_REFRESH_HZ,
            get_renderable=view.render,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Callable[[Report], Any]:
        self._keys.start()
        try:
            self._live.start(refresh=True)
        except BaseException:
            self._leave()
            raise
        return self._state.apply

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave()
        for line in self._summary():
            message(printable_lines(line))

    def _leave(self) -> None:
        # After SIGHUP the terminal is gone and cannot be restored; that is not an error.
        with contextlib.suppress(OSError):
            self._live.stop()
        self._keys.stop()

    def _explain(self) -> None:
        if not self._state.hide_explanations():
            self._supervisor.add_report({"report": "explain"})

    def _summary(self) -> list[str]:
        """Return the lines that are printed when the screen is gone."""
        state = self._state
        counts = ", ".join(f"{row.name} {row.count}" for row in state.events.values())
        lines = [f"{state.plugin} {state.version}, run {state.run}: {counts or 'no events'}"]
        if state.problem:
            lines.append(f"last problem: {state.problem}")
        return lines if state.plugin else lines[1:]


class _Keys:
    """Reads single keys from the terminal; Ctrl-C stays a signal."""

    def __init__(self, actions: dict[str, Callable[[], None]]) -> None:
        self._actions = actions
        self._fd = sys.stdin.fileno()
        self._before: list[Any] | None = None
        self._wake = os.pipe()
        self._thread = threading.Thread(target=self._read, name="keys", daemon=True)

    def start(self) -> None:
        """Switch the terminal to single keys without echo."""
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)
        modes = termios.tcgetattr(self._fd)
        # Ctrl-Z would leave a stopped program's screen on the terminal.
        modes[_CONTROL_CHARS][termios.VSUSP] = b"\0"
        termios.tcsetattr(self._fd, termios.TCSADRAIN, modes)
        self._thread.start()

    def stop(self) -> None:
        """Restore the terminal."""
        os.write(self._wake[1], b"x")
        self._thread.join(timeout=1.0)
        if self._before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._fd, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            try:
                keys = os.read(self._fd, 64)
            except OSError:
                return
            if not keys:
                return
            for key in keys.decode("latin-1"):
                self._actions.get(key, _nothing)()


def _nothing() -> None:
    """Ignore a key without a meaning."""
