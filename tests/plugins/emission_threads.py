# SPDX-License-Identifier: Apache-2.0
"""Eight threads emit 500 events each."""

from __future__ import annotations

import threading

from falcokit import AsyncEventHandler, AsyncEvents, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("tick",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        def work(who: int) -> None:
            for n in range(500):
                handler.emit("tick", f"{who} {n}")

        self.threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in self.threads:
            thread.start()

    def stop_async(self) -> None:
        for thread in self.threads:
            thread.join()
