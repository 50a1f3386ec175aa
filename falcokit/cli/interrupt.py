# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, SIGTERM and SIGHUP end the commands in the same orderly way.

Each signal is raised in the main thread as an exception, so that every `with` block on the way out
stops its child and restores the terminal. `falcokit.__main__` has what comes after that, the end of
Python itself, not disturbed either.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StoppedBySignal", "ignore_signals", "signals_as_interrupts"]


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedBySignal(BaseException):
    """SIGTERM or SIGHUP arrived.

    No KeyboardInterrupt: typer gives that exit code 130 whatever it carries.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def ignore_signals() -> None:
    """Let none of the three change any more how the process ends."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Raise the three in the main thread; only the first, so that the way out is not disturbed.

    The way out is bounded, so an impatient second Ctrl-C would gain nothing and could leave a
    terminal half restored; the way out does not end with the block, so after one of the three they
    stay ignored. What is ignored stays so: nohup ignores SIGHUP, a shell's & SIGINT.
    """
    stopped = False
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]

    def interrupt(number: int, _frame: Any) -> None:
        nonlocal stopped
        stopped = True
        ignore_signals()
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise StoppedBySignal(number)

    for number in handled:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in () if stopped else handled:
            signal.signal(number, before[number])
