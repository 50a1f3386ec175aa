# SPDX-License-Identifier: Apache-2.0
"""The smallest plugin with async events: `sample_async` with `hello`, every 100 ms."""

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, Plugin


class Ticker(Plugin, AsyncEvents):
    """What the project's tests load into every host they have."""

    async_events = ("sample_async",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        """Called when a capture opens."""
        self.task = BackgroundTask.spawn(lambda: handler.emit("sample_async", b"hello"), every=0.1)

    def stop_async(self) -> None:
        """Called when it closes; waits for the task."""
        self.task.stop()
