# SPDX-License-Identifier: Apache-2.0
"""Decorated producers: `@async_event(name, every=...)`, and running them for a capture.

A plain method is called at the interval and what it returns is emitted; what a generator yields is
emitted; `async def` runs on an event loop of the plugin's own. Used by `_state`, which starts and
stops them with the capture.
"""

from __future__ import annotations

import functools
import time
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from falcokit.runtime.background import BackgroundTask
from falcokit.runtime.errors import CaptureClosedError, EmitError, PluginError, own_frames, tell
from falcokit.runtime.event import AsyncEvent

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from falcokit.runtime.async_events import AsyncEventHandler

__all__ = [
    "Emission",
    "Producer",
    "Producers",
    "async_event",
    "declared_producers",
    "place_of",
    "place_of_thread",
]

_Function = TypeVar("_Function", bound="Callable[..., Any]")
_MARK = "__falcokit_producer__"
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # flags of a code object
_STOP_SECONDS = 4.0  # one less than the host waits, so that the reason can be told
_REPEAT_SECONDS = 60.0  # an error that repeats is logged so often


class Producer(NamedTuple):
    """A decorated method: the event it emits, its interval, and what kind of function it is."""

    event: str
    every: float | None
    function: Callable[..., Any]

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop."""
        return bool(self.function.__code__.co_flags & (_COROUTINE | _ASYNC_GENERATOR))

    @property
    def yields(self) -> bool:
        """Whether it is a generator of either kind."""
        return bool(self.function.__code__.co_flags & (_GENERATOR | _ASYNC_GENERATOR))


def async_event(name: str, *, every: float | None = None) -> Callable[[_Function], _Function]:
    """Make a method the producer of the async event `name`, which this declares too.

    It runs from the opening of a capture to its close. What it returns or yields is the data of an
    event: bytes, str, what JSON can hold, or an AsyncEvent; None emits nothing.

    Args:
        name: The event's name, at most 31 bytes.
        every: Seconds between two calls, or between two steps of a generator; the first comes at
            once. Required for a plain method; a generator or a coroutine may wait for itself.

    """

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, Producer(name, every, function))
        return function

    return mark


def declared_producers(plugin: type) -> list[Producer]:
    """Return the producers of a class and its bases, in the order they were written."""
    found: dict[str, Producer] = {}
    for cls in reversed(plugin.__mro__):
        for attribute, value in vars(cls).items():
            producer = getattr(value, _MARK, None)
            if producer is not None:
                found[attribute] = producer
            else:
                found.pop(attribute, None)
    return list(found.values())


class Emission:
    """What one producer gives, sent through the handler; its errors are logged, not repeated."""

    def __init__(
        self, producer: Producer, handler: AsyncEventHandler, log: Callable[..., None]
    ) -> None:
        self._producer = producer
        self._handler = handler
        self._log = log
        self._last: tuple[str, float] = ("", 0.0)

    def send(self, value: Any) -> None:
        """Emit one value; CaptureClosedError is left to end the producer."""
        if value is None:
            return
        try:
            if isinstance(value, AsyncEvent):
                self._handler.emit(value)
            else:
                self._handler.emit(self._producer.event, value)
        except CaptureClosedError:
            raise
        except EmitError as e:
            self.report(e)

    def report(self, error: BaseException) -> None:
        """Log an error of the producer, and the same one again only after a minute."""
        text = tell(error, f"producer of {self._producer.event!r}")
        if not own_frames(traceback.extract_tb(error.__traceback__)):
            # Emission failed after the producer had returned: its first line is the place.
            code = self._producer.function.__code__
            text = f"{code.co_filename}:{code.co_firstlineno}: {text}"
        now = time.monotonic()
        if text != self._last[0] or now - self._last[1] > _REPEAT_SECONDS:
            self._last = (text, now)
            self._log(text)


class Producers:
    """The running producers of one capture."""

    def __init__(self, plugin: Any, handler: AsyncEventHandler, log: Callable[..., None]) -> None:
        self._plugin = plugin
        self._handler = handler
        self._log = log
        self._tasks: list[BackgroundTask] = []
        self._loop_thread: Any = None

    def start(self) -> None:
        """Start each on its thread, and those that are async on one event loop."""
        producers = declared_producers(type(self._plugin))
        for producer in producers:
            if not producer.is_async:
                task = BackgroundTask()
                self._tasks.append(task)
                run = self._run_steps if producer.yields else self._run_calls
                emission = Emission(producer, self._handler, self._log)
                task.start(
                    functools.partial(run, producer, task, emission),
                    name=f"producer of {producer.event}",
                )
        on_loop = [p for p in producers if p.is_async]
        if on_loop:
            from falcokit.runtime.event_loop import LoopThread  # noqa: PLC0415  # asyncio: 40 ms

            loop_thread = LoopThread(
                self._plugin, [(p, Emission(p, self._handler, self._log)) for p in on_loop]
            )
            loop_thread.start()
            self._loop_thread = loop_thread

    def stop(self) -> None:
        """End them all.

        Raises:
            PluginError: one did not end within 4 s; names it and the line it is at.

        """
        deadline = time.monotonic() + _STOP_SECONDS
        for task in self._tasks:
            task.request_stop()
        if self._loop_thread is not None:
            self._loop_thread.request_stop()
        threads = [t.thread for t in [*self._tasks, self._loop_thread] if t is not None]
        for thread in threads:
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        stuck = [t for t in threads if t is not None and t.is_alive()]
        if stuck:
            where = ", ".join(f"the {t.name} is still {place_of(t)}" for t in stuck)
            raise PluginError(
                f"stop_async: {where}, {_STOP_SECONDS:g} s after it was asked to stop"
            )

    def _run_calls(self, producer: Producer, task: BackgroundTask, emission: Emission) -> None:
        for _ in _ticks(task, producer.every or 0.0):
            try:
                emission.send(producer.function(self._plugin))
            except CaptureClosedError:
                return
            except Exception as e:  # noqa: BLE001  # the next call may succeed
                emission.report(e)
            except BaseException as e:  # noqa: BLE001  # sys.exit() ends the producer, not the host
                emission.report(e)
                return

    def _run_steps(self, producer: Producer, task: BackgroundTask, emission: Emission) -> None:
        steps = producer.function(self._plugin)
        try:
            for _ in _ticks(task, producer.every or 0.0):
                emission.send(next(steps))
        except (StopIteration, CaptureClosedError):
            return
        except BaseException as e:  # noqa: BLE001
            emission.report(e)
        finally:
            steps.close()


def _ticks(task: BackgroundTask, every: float) -> Iterator[None]:
    """Yield at once and then every `every` seconds by the clock, until the task is to stop."""
    due = time.monotonic()
    while task.should_keep_running(max(0.0, due - time.monotonic())):
        yield
        due = max(due + every, time.monotonic() - every)


def place_of(thread: threading.Thread) -> str:
    """Say where a thread is: `at file:line in function`, in the author's code where possible."""
    return place_of_thread(thread.ident or 0)


def place_of_thread(ident: int) -> str:
    """Say it of a thread that Python may not have started."""
    import sys  # noqa: PLC0415

    frame = sys._current_frames().get(ident)  # noqa: SLF001  # there is no other way
    if frame is None:
        return "at an unknown place"
    frames = traceback.extract_stack(frame)
    last = (own_frames(frames) or frames)[-1]
    return f"at {last.filename}:{last.lineno} in {last.name}"
