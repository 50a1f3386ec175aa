# SPDX-License-Identifier: Apache-2.0
"""The thread with the asyncio loop on which a plugin's `async def` producers run.

It lives for one capture. Only imported for plugins with such producers.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.async_event.background import CLOSING_SECONDS, LOOK_SECONDS
from falcokit.runtime.base.closing import cancelling_loops
from falcokit.runtime.base.errors import CaptureClosedError, WorkCancelledError, format_error
from falcokit.runtime.base.stack import OwnThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from falcokit.runtime.async_event.producers import Producer
    from falcokit.runtime.async_event.supervision import Emission, Supervision
    from falcokit.runtime.base.closing import Closing

__all__ = ["LoopThread", "run_through"]

_TURN: Final = 64  # events of one value after which the other tasks get a turn
_LEFT_SECONDS: Final = 2.0  # for tasks of the author's that are cancelled after the producers


class LoopThread:
    """Runs async producers until they end or are cancelled."""

    def __init__(
        self,
        plugin: Any,
        producers: list[tuple[Producer, Emission, Supervision]],
        closing: Closing,
        log: Callable[[str], None],
    ) -> None:
        self._plugin = plugin
        self._producers = producers
        self._closing = closing
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
            self._log(f"{text}\n  the task has ended, and the producers go on")

    async def _all(self) -> None:
        self._main = asyncio.current_task()
        tasks = [asyncio.ensure_future(self._one(*each)) for each in self._producers]
        if self._stopping:
            self._cancel()
        await asyncio.wait(tasks)
        await self._end_others()

    async def _end_others(self) -> None:
        """Cancel the tasks that the author has started, and let them end."""
        others = asyncio.all_tasks(self._loop) - {self._main}
        for task in others:
            if not task.cancelling():  # else it may be cleaning up already
                task.cancel()
        if others:
            _, left = await asyncio.wait(others, timeout=_LEFT_SECONDS)
            for task in left:
                frames = task.get_stack(limit=1)
                at = [f"{f.f_code.co_filename}:{f.f_lineno}: " for f in frames]
                name = task.get_name()
                self._log(f"{''.join(at)}the task {name!r} goes on although it was cancelled")

    @property
    def _ending(self) -> bool:
        """Whether the capture closes; what a closing cancels is not an error."""
        return self._stopping or self._closing.is_set()

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
                if self._ending:
                    if not isinstance(e, _ENDS):
                        emission.report(e)
                    return
                pause = emission.report_failure(e, supervision)
            if pause is None:
                return
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(pause)
            if self._ending:
                return
            supervision.restarted()

    async def _steps(self, producer: Producer, emission: Emission, _: Supervision) -> bool:
        steps = producer.function(self._plugin)
        async with contextlib.aclosing(steps):
            async for value in steps:
                await self._send(value, emission, steps)
                if producer.every is not None:
                    await self._wait(producer, self._loop.time())
        return True

    async def _calls(
        self, producer: Producer, emission: Emission, supervision: Supervision
    ) -> bool:
        if producer.every is None:
            await self._send(await producer.function(self._plugin), emission)
            return True
        due = self._loop.time()
        while True:
            try:
                await self._send(await producer.function(self._plugin), emission)
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
            due = await self._wait(producer, due)

    async def _send(self, value: Any, emission: Emission, steps: Any = None) -> None:
        """Emit the events that one value stands for; other tasks run between them."""
        if hasattr(type(value), "__anext__"):
            await self._send_drawn(value, emission)
            return
        for count, each in enumerate(emission.several(value)):
            if count and count % _TURN == 0:
                await asyncio.sleep(0)
            emission.send(each, steps)

    async def _send_drawn(self, values: AsyncIterator[Any], emission: Emission) -> None:
        try:
            async for each in values:
                emission.send(each, values)
        finally:
            close = getattr(values, "aclose", None)
            if close is not None:
                await close()

    async def _wait(self, producer: Producer, last: float) -> float:
        """Wait until the call after that of the time `last`; return when it is due."""
        while True:
            every, now = producer.interval(self._plugin.config), self._loop.time()
            due = max(last + every, now - every)  # of calls that took too long one is made up
            if due <= now:
                await asyncio.sleep(0)
                return due
            left = due - now
            await asyncio.sleep(min(left, LOOK_SECONDS) if producer.every_changes else left)


#: What a closing raises in a producer.
_ENDS: Final = (asyncio.CancelledError, CaptureClosedError, WorkCancelledError)


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
    cancelling_loops.add(loop)
    loop.set_exception_handler(functools.partial(_handle, report_error))
    while True:
        try:
            loop.run_until_complete(main)
        except (SystemExit, KeyboardInterrupt) as e:
            if main.done() and not main.cancelled() and main.exception() is e:
                raise
            report_error(e)
        else:
            return


def _handle(
    report_error: Callable[[BaseException], None],
    loop: asyncio.AbstractEventLoop,
    context: dict[str, Any],
) -> None:
    """Report the exception of a task that nobody awaits; leave the rest to asyncio."""
    error = context.get("exception")
    if error is None:
        loop.default_exception_handler(context)
    elif not isinstance(error, (SystemExit, KeyboardInterrupt)):  # those `run_through` reports
        report_error(error)
