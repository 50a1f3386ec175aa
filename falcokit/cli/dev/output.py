# SPDX-License-Identifier: Apache-2.0
"""Catches what the plugin itself prints while the screen is drawn, to show it in the log.

The child gets the writing end of a pipe as its stderr (the runner points its stdout there as well);
a thread reads lines from the other.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from falcokit.runner.reports import Report

__all__ = ["ChildOutput"]

_LINE_LIMIT: Final = 4096


class ChildOutput:
    """Turns each line that arrives on `fd` into a log report while it is entered."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._read_fd, self.fd = os.pipe()
        self._thread = threading.Thread(target=self._read, name="output", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self.fd)
        # A grandchild may hold the pipe open for longer; the thread then ends with the process.
        self._thread.join(timeout=0.2)

    def _read(self) -> None:
        with os.fdopen(self._read_fd, "rb") as stream:
            while line := stream.readline(_LINE_LIMIT):
                text = line.decode("utf-8", "replace").rstrip("\n")
                self._report({"report": "log", "severity": "output", "message": text})
