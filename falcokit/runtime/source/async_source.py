# SPDX-License-Identifier: Apache-2.0
"""An async iterator as an event source: its asyncio loop, on the source's own thread.

Only imported for such a source. Tasks that the author starts from it run on the same loop, and are
cancelled with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.async_event.event_loop import run_through
from falcokit.runtime.base.errors import InvalidEventError, QueueFullError, SourceClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.source.event_queue import EventQueue

__all__ = ["AsyncSource"]

_TURN: Final = 256  # events after which the loop's other tasks get a turn
_ROOM_SECONDS: Final = 0.001  # until the next attempt with a full queue
_IDLE_SECONDS: Final = 0.001  # after None, "no event now"


class AsyncSource:
    """Reads one async iterator into a queue."""

    def __init__(
        self, iterator: Any, queue: EventQueue, report_error: Callable[[BaseException], None]
    ) -> None:
        self._iterator = iterator
        self._queue = queue
        self._report_error = report_error
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def run(self) -> None:
        """Read it to its end, or until it is cancelled."""
        with contextlib.suppress(asyncio.CancelledError), asyncio.Runner() as runner:
            loop = runner.get_loop()
            run_through(loop, loop.create_task(self._main()), self._report_error)

    def request_stop(self) -> None:
        """Cancel it; the queue has been closed before."""
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
                loop.call_soon_threadsafe(task.cancel)

    async def _main(self) -> None:
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        if self._queue.closed:
            return
        try:
            await self._drain()
        finally:
            close = getattr(self._iterator, "aclose", None)
            if close is not None:
                await close()

    async def _drain(self) -> None:
        count = 0
        step = self._iterator.__anext__
        while True:
            try:
                item = await step()
            except StopAsyncIteration:
                return
            step = self._iterator.__anext__
            try:
                while not self._queue.offer(item):  # noqa: ASYNC110  # the host has no loop
                    await asyncio.sleep(_ROOM_SECONDS)
            except SourceClosedError:
                return
            except (InvalidEventError, QueueFullError) as e:
                # Raised at the generator's yield: the error shows its line, and it may continue.
                step = self._thrower(e)
                continue
            count += 1
            if item is None:
                await asyncio.sleep(_IDLE_SECONDS)
            elif count % _TURN == 0:
                await asyncio.sleep(0)

    def _thrower(self, error: InvalidEventError | QueueFullError) -> Any:
        throw = getattr(self._iterator, "athrow", None)
        if throw is None:
            raise error
        return lambda: throw(error)
