# SPDX-License-Identifier: Apache-2.0
"""What the child costs: its processor time and memory, as the kernel counts them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ChildCost", "ChildMeter"]

_KB: Final = 1024


class ChildCost(NamedTuple):
    """The cost of a process."""

    cpu_percent: float
    """Of one core, since the last look; more than 100 with several threads."""
    rss_kb: int
    threads: int


class ChildMeter:
    """Looks at one process after the other; nothing is kept of one that is gone."""

    def __init__(
        self,
        *,
        proc: Path = Path("/proc"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._proc, self._clock = proc, clock
        self._last: tuple[int, float, int] | None = None  # pid, time, ticks

    def look(self, pid: int | None) -> ChildCost | None:
        """Return what the process costs; None: it is gone, or this is the first look at it."""
        read = None if pid is None else self._read(pid)
        if pid is None or read is None:
            self._last = None
            return None
        ticks, threads, rss_kb = read
        now, before = self._clock(), self._last
        self._last = (pid, now, ticks)
        if before is None or before[0] != pid or now <= before[1]:
            return None
        seconds = (ticks - before[2]) / os.sysconf("SC_CLK_TCK")
        return ChildCost(100 * seconds / (now - before[1]), rss_kb, threads)

    def _read(self, pid: int) -> tuple[int, int, int] | None:
        """Return ticks, threads and memory; fields of proc(5) after the name, which has blanks."""
        try:
            stat = (self._proc / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            return None
        values = stat.rpartition(")")[2].split()
        pages = int(values[21])
        rss_kb = pages * os.sysconf("SC_PAGE_SIZE") // _KB
        return int(values[11]) + int(values[12]), int(values[17]), rss_kb
