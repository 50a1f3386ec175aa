# SPDX-License-Identifier: Apache-2.0
"""Eight threads emit until emit tells them of the end."""

from __future__ import annotations

import threading

from falcokit import AsyncEventHandler, AsyncEvents, CaptureClosedError, EventRefusedError, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("beat",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.threads = [threading.Thread(target=self.run, args=(handler, i)) for i in range(8)]
        for thread in self.threads:
            thread.start()

    def run(self, handler: AsyncEventHandler, number: int) -> None:
        n = 0
        try:
            while True:
                handler.emit("beat", b"%d %d" % (number, n), direct=n % 64 == 63)
                n += 1
        except CaptureClosedError:
            pass
        except EventRefusedError:
            pass  # closed between the check and the call

    # no stop_async: the threads learn of the end by emit raising
