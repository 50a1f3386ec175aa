# SPDX-License-Identifier: Apache-2.0
"""The thread with the asyncio loop on which a plugin's `async def` producers run.

Made by `producers` for one capture and cancelled with it; not imported by plugins that have none.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from typing import TYPE_CHECKING, Any

from falcokit.runtime.errors import CaptureClosedError

if TYPE_CHECKING:
    from falcokit.runtime.producers import Emission, Producer

__all__ = ["LoopThread"]


class LoopThread:
    """Runs async producers until they end or are cancelled."""

    def __init__(self, plugin: Any, producers: list[tuple[Producer, Emission]]) -> None:
        self._plugin = plugin
        self._producers = producers
        self._loop = asyncio.new_event_loop()
        self._stopping = False
        self._main: asyncio.Task[None] | None = None
        context = contextvars.copy_context()
        self.thread = threading.Thread(
            target=context.run, args=(self._run,), name="event loop of producers", daemon=True
        )

    def start(self) -> None:
        """Start the thread."""
        try:
            self.thread.start()
        except RuntimeError:
            self._loop.close()
            raise

    def request_stop(self) -> None:
        """Cancel every producer; those that end take the loop with them."""
        with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
            self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        self._stopping = True
        for task in asyncio.all_tasks(self._loop):
            if task is not self._main:
                task.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._all())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    async def _all(self) -> None:
        self._main = asyncio.current_task()
        tasks = [asyncio.ensure_future(self._one(p, e)) for p, e in self._producers]
        if self._stopping:
            self._cancel()
        await asyncio.wait(tasks)

    async def _one(self, producer: Producer, emission: Emission) -> None:
        try:
            if producer.yields:
                await self._steps(producer, emission)
            else:
                await self._calls(producer, emission)
        except (CaptureClosedError, asyncio.CancelledError):
            return
        except BaseException as e:  # noqa: BLE001  # told in the log; the other producers go on
            emission.report(e)

    async def _steps(self, producer: Producer, emission: Emission) -> None:
        async for value in producer.function(self._plugin):
            emission.send(value)
            if producer.every is not None:
                await asyncio.sleep(producer.every)

    async def _calls(self, producer: Producer, emission: Emission) -> None:
        if producer.every is None:
            emission.send(await producer.function(self._plugin))
            return
        due = self._loop.time()
        while True:
            try:
                emission.send(await producer.function(self._plugin))
            except (CaptureClosedError, asyncio.CancelledError):
                raise
            except Exception as e:  # noqa: BLE001  # the next call may succeed
                emission.report(e)
            due = max(due + producer.every, self._loop.time() - producer.every)
            await asyncio.sleep(max(0.0, due - self._loop.time()))
