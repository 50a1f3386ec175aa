# SPDX-License-Identifier: Apache-2.0
"""A progress bar on stderr while a large capture is read."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Final

from falcokit.cli import console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.capture.reader import Capture

__all__ = ["reading"]

#: Smaller files are read before a bar would be visible.
_LARGE: Final = 64 << 20


@contextlib.contextmanager
def reading(capture: Capture) -> Iterator[None]:
    """Show on a terminal how much of a large file is read; write nothing else inside the block."""
    stderr = sys.stderr
    if stderr is None or not stderr.isatty() or capture.size < _LARGE:
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - 60 ms
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    shown = Console(stderr=True, no_color=not console.has_color(stderr))
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=shown, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as progress:
        task = progress.add_task("", total=capture.size)
        capture.on_read(lambda count: progress.update(task, completed=count))
        try:
            yield
        finally:
            capture.on_read(None)
