# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, SIGTERM and SIGHUP end the commands in the same orderly way.

Each signal is raised in the main thread as an exception, so that every `with` block on the way out
stops its child and restores the terminal. `falcokit.__main__` protects what
comes after that, the end of Python itself, in the same way.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "StoppedBySignal",
    "ignore_signals",
    "raise_signal",
    "signals_as_calls",
    "signals_as_interrupts",
]


_RACE: Final = "ignored due to race condition"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedBySignal(BaseException):
    """SIGTERM or SIGHUP arrived.

    Not a KeyboardInterrupt: typer always gives that the exit code 130.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def ignore_signals() -> None:
    """Ignore the three from now on, so that they no longer change how the process ends.

    Python shows an OSError for a signal that arrives while its handler is taken away: it is ignored
    like the others.
    """
    sys.unraisablehook = _show_unraisable
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _show_unraisable(found: sys.UnraisableHookArgs) -> None:
    if not (isinstance(found.exc_value, OSError) and _RACE in str(found.exc_value)):
        sys.__unraisablehook__(found)


@contextlib.contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Raise the first of the three signals in the main thread, and ignore all later ones.

    Cleaning up takes a bounded time, so a second Ctrl-C would gain nothing and could leave a
    terminal half restored. It does not end with the block, so after one of the three they stay
    ignored. What is already ignored stays so: nohup ignores SIGHUP, a shell's & SIGINT.
    """
    with signals_as_calls(raise_signal):
        yield


def raise_signal(number: int) -> None:
    """Raise what stands for one of the three signals; 0 is none."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    if number:
        raise StoppedBySignal(number)


@contextlib.contextmanager
def signals_as_calls(stop: Callable[[int], None]) -> Iterator[None]:
    """Call `stop` in the main thread with the first of the signals, and ignore all later ones."""
    stopped = False
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]

    def interrupt(number: int, _frame: Any) -> None:
        nonlocal stopped
        stopped = True
        ignore_signals()
        stop(number)

    for number in handled:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in () if stopped else handled:
            signal.signal(number, before[number])
