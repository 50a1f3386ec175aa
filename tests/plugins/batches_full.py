# SPDX-License-Identifier: Apache-2.0
"""Puts many more events than its queue has room for; its config says what happens then."""

from __future__ import annotations

import threading
import time
from typing import Any

from falcokit import EventQueue, EventSource, Plugin


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    config: str

    def open(self, params: str) -> EventQueue:
        overflow: Any = self.config
        queue = EventQueue(100, overflow=overflow)

        def produce() -> None:
            taken = queue.put_many(str(i) for i in range(20_000))
            if params == "x":
                queue.put_many([])
            while self.config == "drop" and len(queue):
                time.sleep(0.001)
            queue.put(f"taken {taken}")
            queue.end()

        threading.Thread(target=produce).start()
        return queue
