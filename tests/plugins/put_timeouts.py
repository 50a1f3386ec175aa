# SPDX-License-Identifier: Apache-2.0
"""Puts with a timeout into a queue that nothing is taken from."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from falcokit import EventQueue, EventSource, Plugin, QueueFullError

if TYPE_CHECKING:
    from collections.abc import Callable


class P(Plugin, EventSource):
    plugin_id, event_source = 999, "conform"

    def open(self, params: str) -> EventQueue:
        queue = EventQueue(2)
        self.thread = threading.Thread(target=self.fill, args=(queue,))
        self.thread.start()
        return queue

    def fill(self, queue: EventQueue) -> None:
        calls: tuple[Callable[[], int], ...] = (
            lambda: queue.put(b"1", timeout=0.01) + queue.put(b"2", timeout=None),
            lambda: queue.put(b"3", timeout=0.01),
            lambda: queue.put_many([b"4", b"5"], timeout=0),
        )
        for call in calls:
            try:
                self.log.warning("taken %d", call())
            except QueueFullError as e:
                self.log.warning("full: %s", e)
        queue.end()
