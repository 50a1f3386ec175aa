# SPDX-License-Identifier: Apache-2.0
"""The thread with the asyncio loop on which a plugin's `async def` producers run.

It lives for one capture. Only imported for plugins with such producers.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from typing import TYPE_CHECKING, Any

from falcokit.runtime.async_event.background import CLOSING_SECONDS
from falcokit.runtime.base.errors import CaptureClosedError, format_error
from falcokit.runtime.base.stack import OwnThread

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.async_event.producers import Producer
    from falcokit.runtime.async_event.supervision import Emission, Supervision

__all__ = ["LoopThread", "run_through"]


class LoopThread:
    """Runs async producers until they end or are cancelled."""

    def __init__(
        self,
        plugin: Any,
        producers: list[tuple[Producer, Emission, Supervision]],
        log: Callable[[str], None],
    ) -> None:
        self._plugin = plugin
        self._producers = producers
        self._log = log
        self._logged = ""
        self._loop = asyncio.new_event_loop()
        self._stopping = False
        self._main: asyncio.Task[None] | None = None
        context = contextvars.copy_context()
        self.thread = OwnThread(
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
        if self._main is None or self._main.done():
            return  # not begun: it checks for a stop when it begins; or the loop is about to end
        for task in asyncio.all_tasks(self._loop):
            if task is not self._main:
                task.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            run_through(self._loop, self._loop.create_task(self._all()), self._log_task_error)
            ending = self._loop.create_task(self._loop.shutdown_asyncgens())
            run_through(self._loop, ending, self._log_task_error)
        finally:
            self._loop.close()

    def _log_task_error(self, error: BaseException) -> None:
        text = format_error(error, "a task of the async producers")
        if text != self._logged:
            self._logged = text
            self._log(f"{text}; the task has ended, and the producers go on")

    async def _all(self) -> None:
        self._main = asyncio.current_task()
        tasks = [asyncio.ensure_future(self._one(*each)) for each in self._producers]
        if self._stopping:
            self._cancel()
        await asyncio.wait(tasks)

    async def _one(self, producer: Producer, emission: Emission, supervision: Supervision) -> None:
        run = self._steps if producer.yields else self._calls
        while True:
            try:
                if not await run(producer, emission, supervision):
                    return
                pause = emission.report_end(supervision)
            except BaseException as e:  # noqa: BLE001  # logged; the other producers continue
                if isinstance(e, CaptureClosedError):
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(CLOSING_SECONDS)  # see BackgroundTask.closes
                    if not emission.capturing:
                        return
                if self._stopping:
                    if not isinstance(e, (asyncio.CancelledError, CaptureClosedError)):
                        emission.report(e)
                    return
                pause = emission.report_failure(e, supervision)
            if pause is None:
                return
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(pause)
            if self._stopping:
                return
            supervision.restarted()

    async def _steps(self, producer: Producer, emission: Emission, _: Supervision) -> bool:
        async for value in producer.function(self._plugin):
            emission.send(value)
            if producer.every is not None:
                await asyncio.sleep(producer.every)
        return True

    async def _calls(
        self, producer: Producer, emission: Emission, supervision: Supervision
    ) -> bool:
        if producer.every is None:
            emission.send(await producer.function(self._plugin))
            return True
        due = self._loop.time()
        while True:
            try:
                value = await producer.function(self._plugin)
            except CaptureClosedError:
                raise
            except Exception as e:  # noqa: BLE001  # the next call may succeed
                if not supervision.failed_call(e):
                    emission.report(e, "\n  it is not called again")
                    return False
                emission.report(e)
            else:
                if supervision.failures:
                    supervision.succeeded()
                emission.send(value)
            due = max(due + producer.every, self._loop.time() - producer.every)
            await asyncio.sleep(max(0.0, due - self._loop.time()))


def run_through(
    loop: asyncio.AbstractEventLoop,
    main: asyncio.Future[Any],
    report_error: Callable[[BaseException], None],
) -> None:
    """Run a loop until `main` is done.

    asyncio lets SystemExit and KeyboardInterrupt of any task or callback leave the loop, so that
    sys.exit() in one task would end all others: here it is reported, and the others continue.

    Raises:
        BaseException: the exception of `main` itself.

    """
    loop.set_exception_handler(_handle)
    while True:
        try:
            loop.run_until_complete(main)
        except (SystemExit, KeyboardInterrupt) as e:
            if main.done() and not main.cancelled() and main.exception() is e:
                raise
            report_error(e)
        else:
            return


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Do as asyncio does, except for what `run_through` reports: no caller awaits those tasks."""
    if not isinstance(context.get("exception"), (SystemExit, KeyboardInterrupt)):
        loop.default_exception_handler(context)
