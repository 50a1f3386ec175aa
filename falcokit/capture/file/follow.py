# SPDX-License-Identifier: Apache-2.0
"""Waiting for more of a file that is still being written.

The size is polled, since the file may be on any file system, and its writer may close and flush it
at any time.
"""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

__all__ = ["Follow"]

_FIRST_PAUSE: Final = 0.005  # seconds
_LONGEST_PAUSE: Final = 0.1


class Follow:
    """Waits until a file has grown, `until` returns true, or the file is no longer the same."""

    def __init__(
        self, path: str | os.PathLike[str] | None, until: Callable[[], bool] | None
    ) -> None:
        """Follow the file opened as `path`; `until` is called at least ten times a second.

        Without a path, as for standard input, the file never counts as replaced.
        """
        self._path = path
        self._until = until
        #: Why no more bytes will come; None as long as they may.
        self.fault: str | None = None

    def more(self, file: BinaryIO, position: int) -> bool:
        """Wait for bytes after `position` of `file`; False when none will come."""
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return False
        pause = _FIRST_PAUSE
        while True:
            gone = self._gone(file)  # checked before the size, so that its last bytes are not lost
            size = os.fstat(file.fileno()).st_size
            if size > position:
                return True
            if size < position:
                self.fault = "the file was cut off while it was followed"
            else:
                self.fault = gone
            if self.fault or (self._until is not None and self._until()):
                return False
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _gone(self, file: BinaryIO) -> str | None:
        if self._path is None:
            return None
        try:
            there = os.stat(self._path)  # noqa: PTH116 - fstat has no method
        except OSError:
            return "the file was removed while it was followed"
        if os.path.samestat(there, os.fstat(file.fileno())):
            return None
        return "the file was replaced while it was followed"
