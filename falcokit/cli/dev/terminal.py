# SPDX-License-Identifier: Apache-2.0
"""The terminal that Textual draws on: stdout, whatever its encoding, and even when it is gone.

Textual's own driver writes to stderr, and blocks for ever when the terminal has been closed. Used
by Textual's threads: one writes, one reads keys.
"""

from __future__ import annotations

import codecs
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len
from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App

__all__ = ["Output", "Terminal"]

_ERRORS: Final = "falcokit.terminal"
#: What stands for the screen's own characters where the encoding of the terminal lacks them.
_PLAIN: Final = {
    **dict.fromkeys("─━═▔", "-"),
    **dict.fromkeys("│┃║▏▎▍▌▐", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
    **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*##", strict=True)),
    "▲": "^",
    "▼": "v",
    "↑": "^",
    "↓": "v",
    "⏎": "<",
    "…": "~",
    "·": ".",
    "µ": "u",
}


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded by characters that take the same room."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(char, "?" * cell_len(char)) for char in text), error.end


class Output:
    """Writes text to a descriptor, until that takes no more: a closed terminal is no error."""

    def __init__(self, fd: int, encoding: str) -> None:
        codecs.register_error(_ERRORS, _plain)
        self._fd, self._encoding = fd, encoding
        self._waiting: list[str] = []
        self.is_gone = False

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def write(self, text: str) -> None:
        """Keep a text until the next flush."""
        self._waiting.append(text)

    def flush(self) -> None:
        """Write all that was kept."""
        left = "".join(self._waiting).encode(self._encoding, _ERRORS)
        self._waiting.clear()
        while left and not self.is_gone:
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:  # somebody has made it non-blocking
                select.select([], [self._fd], [], 0.1)
            except OSError:
                self.is_gone = True


class Terminal(LinuxDriver):
    """Textual's driver, on stdout."""

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        stdout = sys.__stdout__
        if stdout is not None:
            # The driver's threads are given it when the screen begins, and after Ctrl-Z and fg.
            self._file = Output(stdout.fileno(), stdout.encoding or "ascii")  # type: ignore[assignment]

    def run_input_thread(self) -> None:
        """Read keys; a terminal that is gone has none, and SIGHUP tells the rest."""
        with suppress(OSError):
            super().run_input_thread()
