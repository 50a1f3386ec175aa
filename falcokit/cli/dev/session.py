# SPDX-License-Identifier: Apache-2.0
"""The screen of `falcokit dev` and the loop behind it, from the first build to the last line.

Textual has the main thread, as signals and the terminal want it; builds and runs go on in a thread
of their own, which changes the state. Whatever ends the one ends the other, within a bounded time,
and leaves the terminal as it was.
"""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import threading
from typing import TYPE_CHECKING, Final

from falcokit.cli.console import message, printable_lines
from falcokit.cli.dev.app import DevApp
from falcokit.cli.dev.terminal import Terminal
from falcokit.cli.interrupt import raise_signal, signals_as_calls
from falcokit.dev.state import DevState
from falcokit.toolchain.command import end_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from falcokit.dev.supervisor import Supervisor
    from falcokit.project.settings import Project
    from falcokit.runner.reports import Report

__all__ = ["run_screen", "summary"]

_END_SECONDS: Final = 3.0
"""How long the loop may take to end: the child's close, which is bounded, and some more."""

_STUCK_SECONDS: Final = 6.0
"""When a signal has not ended the process by then: the terminal takes no output."""


def run_screen(
    supervisor: Supervisor,
    follow: Callable[[Report], Iterable[Report]],
    project: Project,
    *,
    watch: bool,
    duration: float | None,
) -> None:
    """Show the screen until it is left, or until the loop has ended.

    `follow` adds to a report what rules say of it; it is called on the loop's thread.

    Raises:
        KeyboardInterrupt, StoppedBySignal: a signal, or Ctrl-C, has ended it.

    """
    state = DevState()
    loop = _Loop(supervisor, follow, state, duration)
    app = DevApp(
        state, project, loop, watch=watch, driver_class=Terminal, is_gone=lambda: not os.isatty(0)
    )
    with signals_as_calls(lambda number: _stop(app, number)), _terminal_kept():
        loop.start(lambda: app.stop(0))
        try:
            number = app.run() or 0
        finally:
            loop.end()
        for line in summary(state):
            message(printable_lines(line))
        if app.return_code:  # Textual has shown an error of ours
            sys.exit(app.return_code)
        if loop.error is not None:
            raise loop.error
        raise_signal(number)


class _Loop:
    """Builds and runs on a thread, and takes what the screen's keys ask for."""

    def __init__(
        self,
        supervisor: Supervisor,
        follow: Callable[[Report], Iterable[Report]],
        state: DevState,
        duration: float | None,
    ) -> None:
        self.error: BaseException | None = None
        self._supervisor, self._follow, self._state = supervisor, follow, state
        self._duration = duration
        self._ending = False
        # A daemon: a module that is being imported by the build cannot be interrupted.
        self._thread = threading.Thread(target=self._run, name="dev", daemon=True)
        self._over: Callable[[], None] = lambda: None

    def start(self, over: Callable[[], None]) -> None:
        """Begin; `over` is called on the thread when it ends."""
        self._over = over
        self._thread.start()

    def end(self) -> None:
        """Stop the child, and whatever is being built; returns within a bounded time."""
        self._ending = True
        self._supervisor.quit()
        end_commands()
        self._thread.join(timeout=_END_SECONDS)

    def rebuild(self) -> None:
        """Build and restart."""
        self._supervisor.rebuild()

    def explain(self) -> None:
        """Ask why rules are silent."""
        self._supervisor.add_report({"report": "explain"})

    def explain_event(self, number: int) -> None:
        """Ask what each rule says of an event."""
        self._supervisor.add_report({"report": "explain_event", "number": number})

    def _run(self) -> None:
        try:
            with contextlib.closing(self._supervisor.reports(self._duration)) as reports:
                for report in reports:
                    for each in self._follow(report):
                        if self._ending and each["report"] == "build":
                            self._supervisor.failure = None  # it was ended: it has not failed
                        else:
                            self._state.apply(each)
        except BaseException as e:  # noqa: BLE001 - it is raised again on the main thread
            self.error = e
        finally:
            self._over()


def summary(state: DevState) -> list[str]:
    """Return the lines that are printed when the screen is gone."""
    counts = ", ".join(f"{row.name} {row.count}" for row in state.events.values())
    head = f"{state.plugin} {state.version}, run {state.run}"
    lines = [f"{head}: {counts or 'no events'}"] if state.plugin else []
    lines += [f"{what}: {_reasons(counted)}" for what, counted in state.refusals()]
    if state.problem:
        lines.append(f"last problem: {state.problem}")
    return lines


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in counts.items())


def _stop(app: DevApp, number: int) -> None:
    """End the screen because of a signal; on the main thread, between any two steps of it."""
    app.stop(number)
    timer = threading.Timer(_STUCK_SECONDS, lambda: os._exit(128 + number))
    timer.daemon = True
    timer.start()


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Leave the modes of the terminal as they were, whatever happens to the screen."""
    try:
        before = termios.tcgetattr(0)
    except termios.error:
        before = None
    try:
        yield
    finally:
        if before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, before)
