# SPDX-License-Identifier: Apache-2.0
"""How long a file of the cache is kept: 30 days from its last use, as its time of change tells.

Removing what somebody uses at this moment does no harm: a library that is loaded stays, and what is
looked up again is made again.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["mark_used", "prune"]

_DAY: Final = 86400.0
_KEPT: Final = 30 * _DAY
#: Names with a key, and what a build that was killed has left.
_OURS: Final = re.compile(r"\.making-.*|.*-[0-9a-f]{16}(\..*)?")


def mark_used(path: str | Path) -> None:
    """Take note that a file or folder of the cache is used now."""
    with contextlib.suppress(OSError):
        os.utime(path)


def prune(folder: Path) -> None:
    """Remove what was not used for 30 days; looks once a day at most."""
    stamp = folder / ".pruned"
    now = time.time()
    with contextlib.suppress(OSError):
        if 0 <= now - stamp.stat().st_mtime < _DAY:
            return
    with contextlib.suppress(OSError):
        stamp.touch(mode=0o600)
        for entry in os.scandir(folder):
            old = now - entry.stat(follow_symlinks=False).st_mtime > _KEPT
            if not old or not _OURS.fullmatch(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)  # noqa: PTH108
