# SPDX-License-Identifier: Apache-2.0
"""Emits after the stop and after destroy; its config is the file that it notes the answers in."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from falcokit import AsyncEventHandler, AsyncEvents, CaptureClosedError, EmitError, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("beat",)
    config: str

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        handler.emit("beat", b"in time")

    def stop_async(self) -> None:
        handler = self.handler

        def later() -> None:
            with Path(self.config).open("a") as notes:
                for _ in range(200):
                    for direct in (False, True):
                        try:
                            handler.emit("beat", b"late", direct=direct)
                            notes.write("emitted\n")
                        except CaptureClosedError as e:
                            notes.write(f"{e}\n")
                        except EmitError as e:
                            notes.write(f"other: {e}\n")
                    notes.flush()
                    time.sleep(0.005)

        # one more thread after the stop, which lives on after destroy
        threading.Timer(0.2, later).start()
