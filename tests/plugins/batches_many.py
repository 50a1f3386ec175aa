# SPDX-License-Identifier: Apache-2.0
"""Four threads put into one queue."""

from __future__ import annotations

import threading

from falcokit import EventQueue, EventSource, Plugin


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"

    def open(self, params: str) -> EventQueue:
        queue = EventQueue(64)

        def produce(k: int) -> None:
            for i in range(5000):
                queue.put(f"{k} {i}")

        def work() -> None:
            threads = [threading.Thread(target=produce, args=(k,)) for k in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            queue.end()

        threading.Thread(target=work).start()
        return queue
