# SPDX-License-Identifier: Apache-2.0
"""Waiting for more of a file that is still being written.

The size is polled: the file may lie on any file system, and its writer closes and flushes as it
likes.
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
        """Follow what is open under `path`; `until` is asked at least ten times a second.

        Without a path, as of standard input, the file is never taken for replaced.
        """
        self._path = path
        self._until = until
        #: Why there will never be more; None while that is not so.
        self.fault: str | None = None

    def more(self, file: BinaryIO, position: int) -> bool:
        """Wait for bytes behind `position` of `file`; False when there will be none."""
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return False
        pause = _FIRST_PAUSE
        while True:
            gone = self._gone(file)  # asked before the size: its last bytes are not lost
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
