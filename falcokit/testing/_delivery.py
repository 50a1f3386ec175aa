# SPDX-License-Identifier: Apache-2.0
"""What became of a plugin's async events in process, and those whose time has not come yet.

One for each running plugin, made by `_running`; its handlers (`_handler`) deliver through it.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.event.event import Event

__all__ = ["Delivery"]

_MAX: Final = 16384
"""Events held; the built library holds as many."""

_LOOK_SECONDS: Final = 1.0
"""So often the clock is looked at: somebody may set it."""


class Delivery:
    """The numbers that `AsyncCounters` has, and the events that are held until they are due."""

    def __init__(self) -> None:
        self.emitted = self.delivered = self.discarded = 0
        self._held: list[tuple[int, int, Event, Callable[[Event], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def count(self, *, emitted: int = 0, delivered: int = 0, discarded: int = 0) -> None:
        """Add to the numbers."""
        with self._changed:
            self.emitted += emitted
            self.delivered += delivered
            self.discarded += discarded

    def hold(self, event: Event, due_ns: int, deliver: Callable[[Event], None]) -> None:
        """Call `deliver` with the event when its time has come; wait while there is no room."""
        with self._changed:
            # The first of them is due within 10 s.
            while len(self._held) >= _MAX:
                self._changed.wait()
            heapq.heappush(self._held, (due_ns, next(self._order), event, deliver))
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._deliver_due, daemon=True)
                self._thread.start()

    def discard(self) -> None:
        """Count what is held as discarded: the capture has closed."""
        with self._changed:
            self.discarded += len(self._held)
            self._held.clear()
            self._changed.notify_all()

    def _deliver_due(self) -> None:
        while True:
            with self._changed:
                if not self._held:
                    self._thread = None
                    return
                ahead = (self._held[0][0] - time.time_ns()) / 1e9
                if ahead > 0:
                    self._changed.wait(min(ahead, _LOOK_SECONDS))
                    continue
                _, _, event, deliver = heapq.heappop(self._held)
                self._changed.notify_all()
            deliver(event)
