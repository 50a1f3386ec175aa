# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C, SIGTERM and SIGHUP end `run` and `dev` in the same orderly way.

Called by those two commands. Each signal is raised in the main thread as an exception, so that
every `with` block on the way out stops its child and restores the terminal.
"""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StoppedBySignal", "signals_as_interrupts"]


class StoppedBySignal(BaseException):
    """SIGTERM or SIGHUP arrived.

    No KeyboardInterrupt: typer gives that exit code 130 whatever it carries.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextlib.contextmanager
def signals_as_interrupts() -> Iterator[None]:
    """Raise SIGTERM and SIGHUP like Ctrl-C; later ones do not disturb the way out."""
    handled = (signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, _frame: Any) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        raise StoppedBySignal(number)

    before = {number: signal.signal(number, interrupt) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
