# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, SIGTERM and SIGHUP end `run` and `dev` in the same orderly way.

Called by those two commands. Each signal is raised in the main thread as an exception, so that
every `with` block on the way out stops its child and restores the terminal.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StoppedBySignal", "signals_as_interrupts"]


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedBySignal(BaseException):
    """SIGTERM or SIGHUP arrived.

    No KeyboardInterrupt: typer gives that exit code 130 whatever it carries.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextlib.contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Raise the three in the main thread; only the first, so that the way out is not disturbed.

    The way out is bounded, so an impatient second Ctrl-C would gain nothing and could leave a
    terminal half restored. What is ignored stays so: nohup ignores SIGHUP, a shell's & SIGINT.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = [number for number in _SIGNALS if before[number] is not signal.SIG_IGN]

    def interrupt(number: int, _frame: Any) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise StoppedBySignal(number)

    for number in handled:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
