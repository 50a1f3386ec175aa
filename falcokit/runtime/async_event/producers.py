# SPDX-License-Identifier: Apache-2.0
"""Decorated producers: `@async_event(name, every=...)`, and running them for a capture.

A plain method is called at the interval and its result is emitted; the values that a generator
yields are emitted; `async def` runs on the plugin's own event loop. A list, a tuple or an iterator
among them is several events. A producer that an error ended is restarted: `supervision` decides
when.
"""

from __future__ import annotations

import functools
import operator
import time
import traceback
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

from falcokit.runtime.async_event.background import LOOK_SECONDS, BackgroundTask
from falcokit.runtime.base.errors import (
    CaptureClosedError,
    PluginError,
    WorkCancelledError,
    own_frames,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from falcokit.runtime.async_event.capability import AsyncEventHandler
    from falcokit.runtime.async_event.supervision import Emission, Supervision
    from falcokit.runtime.host.plugin_state import PluginState

__all__ = [
    "CONFIG",
    "RESTARTS",
    "Producer",
    "Producers",
    "Restart",
    "async_event",
    "bad_interval",
    "declared_producers",
    "place_of",
    "place_of_thread",
]

_Function = TypeVar("_Function", bound="Callable[..., Any]")
_MARK = "__falcokit_producer__"
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200  # flags of a code object
_STOP_SECONDS = 4.0  # one less than the host waits, which leaves time to report the reason
_MAX_PAUSE = 60.0
CONFIG: Final = "config."  # how an interval begins that the config has
_EVERY_MAX: Final = 1e9  # seconds: a thread can wait for nine times that, and no longer

Restart: TypeAlias = Literal["on_error", "always", "never"]
RESTARTS = ("on_error", "always", "never")


class Producer(NamedTuple):
    """A decorated method: the event it emits, its interval, and what kind of function it is."""

    event: str
    every: float | str | None
    function: Callable[..., Any]
    restart: Restart = "on_error"
    max_pause: float = _MAX_PAUSE
    attribute: str = ""  # of the class

    @property
    def every_changes(self) -> bool:
        """Whether the config has its interval."""
        return isinstance(self.every, str)

    def interval(self, config: Any) -> float:
        """Return the seconds between two calls: 0 without an interval, the config's as of now.

        Raises:
            PluginError: the config has a value there that is no interval.

        """
        if not isinstance(self.every, str):
            return self.every or 0.0
        key = self.every.removeprefix(CONFIG)
        seconds = operator.attrgetter(key)(config)
        if bad_interval(seconds):
            what = f"the config has {key} = {seconds!r}, which is the interval of a producer"
            raise PluginError(f"{what} ({self.event}): seconds > 0")
        return float(seconds)

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop."""
        return bool(self.function.__code__.co_flags & (_COROUTINE | _ASYNC_GENERATOR))

    @property
    def yields(self) -> bool:
        """Whether it is a generator of either kind."""
        return bool(self.function.__code__.co_flags & (_GENERATOR | _ASYNC_GENERATOR))


def bad_interval(seconds: object) -> bool:
    """Return whether it is no number of seconds that a producer can wait between two calls."""
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    return not (number and 0 < seconds <= _EVERY_MAX)  # type: ignore[operator]


def async_event(
    name: str,
    *,
    every: float | str | None = None,
    restart: Restart = "on_error",
    max_pause: float = _MAX_PAUSE,
) -> Callable[[_Function], _Function]:
    """Make a method the producer of the async event `name`, which this also declares.

    It runs from the opening of a capture to its close. A value that it returns or yields is the
    data of an event: bytes, str, an object that JSON can hold, or an AsyncEvent; None emits
    nothing. A list, a tuple or an iterator is an event for each of its items.

    An error in it is logged with its place. A plain method is called again at its interval; a
    generator or a coroutine is restarted after a pause, which doubles with each consecutive
    failure. A producer that returns has ended; for a generator this is logged.

    Args:
        name: The event's name, at most 31 bytes.
        every: Seconds between two calls, or between two steps of a generator; the first is
            immediate. "config.every_s" is the number of that name in the plugin's config, also
            after the config has changed. Required for a plain method; a generator or a coroutine
            may wait by itself, with `self.sleep`.
        restart: When it is restarted: "on_error", "always" (also after it has returned), or
            "never" (the first error ends it, even for a plain method).
        max_pause: Maximum seconds of the pause, which starts at one. After it has run this long
            without an error the pause starts at one again.

    Raises:
        TypeError: it has no name, as in `@async_event` without parentheses, or is on no method.

    """
    if not isinstance(name, str):
        given = getattr(name, "__name__", None)
        of = f", not directly above `{given}`" if given and callable(name) else f", not {name!r}"
        raise _wrong_use(f"async_event takes the name of the event first{of}", given)

    def mark(function: _Function) -> _Function:
        if not hasattr(function, "__code__"):
            kind = type(function).__name__
            raise _wrong_use(f"async_event decorates a method, not a {kind}", None)
        setattr(function, _MARK, Producer(name, every, function, restart, max_pause))
        if recorded is not None:
            recorded.append(function)
        return function

    return mark


#: The decorated functions since a build set it to a list: it looks for those that nobody calls.
recorded: list[Any] | None = None


def _wrong_use(what: str, name: str | None) -> TypeError:
    error = TypeError(what)
    error.add_note(f'@async_event("{name or "tick"}", every=1.0) above def {name or "tick"}(self)')
    return error


def declared_producers(plugin: type) -> list[Producer]:
    """Return the producers of a class and its bases, in the order they were written.

    A decorator above @async_event is called too: the function is what the class has.
    """
    found: dict[str, Producer] = {}
    for cls in reversed(plugin.__mro__):
        for attribute, value in vars(cls).items():
            producer = getattr(value, _MARK, None)
            if producer is not None and hasattr(value, "__code__"):
                found[attribute] = producer._replace(function=value, attribute=attribute)
            else:
                found.pop(attribute, None)
    return list(found.values())


class Producers:
    """The running producers of one capture."""

    def __init__(self, plugin: Any, handler: AsyncEventHandler, state: PluginState) -> None:
        self._plugin = plugin
        self._handler = handler
        self._state = state
        self._tasks: list[BackgroundTask] = []
        self._loop_thread: Any = None

    def start(self, supervised: list[tuple[Producer, Supervision]]) -> None:
        """Start each on its own thread, and all async ones on one event loop."""
        from falcokit.runtime.async_event.supervision import Emission  # noqa: PLC0415  # only if needed

        on_loop: list[tuple[Producer, Emission, Supervision]] = []
        for producer, supervision in supervised:
            emission = Emission(producer, self._handler, self._state)
            supervision.begin()
            if producer.is_async:
                on_loop.append((producer, emission, supervision))
                continue
            task = BackgroundTask()
            self._tasks.append(task)
            task.start(
                functools.partial(self._run, producer, task, emission, supervision),
                name=f"producer of {producer.event}",
            )
        if on_loop:
            from falcokit.runtime.async_event.event_loop import LoopThread  # noqa: PLC0415  # asyncio: 40 ms

            loop_thread = LoopThread(
                self._plugin, on_loop, self._state.closing, self._state.write_error
            )
            loop_thread.start()
            self._loop_thread = loop_thread

    def stop(self) -> None:
        """End them all.

        Raises:
            PluginError: one did not end within 4 s; the message has its name and current line.

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
                f"stop_async: {where}, {_STOP_SECONDS:g} s after it was asked to stop: wait with"
                " self.sleep(), which ends then, and give calls that wait a timeout"
            )

    def _run(
        self, producer: Producer, task: BackgroundTask, emission: Emission, supervision: Supervision
    ) -> None:
        run = self._steps if producer.yields else self._calls
        while True:
            try:
                if not run(producer, task, emission, supervision):
                    return
                pause = emission.report_end(supervision)
            except WorkCancelledError:
                return
            except BaseException as e:  # noqa: BLE001  # sys.exit() fails the producer, not the host
                if isinstance(e, CaptureClosedError) and task.closes():
                    return
                if task.stopping:
                    emission.report(e)
                    return
                pause = emission.report_failure(e, supervision)
            if pause is None or not task.should_keep_running(pause):
                return
            supervision.restarted()

    def _calls(
        self, producer: Producer, task: BackgroundTask, emission: Emission, supervision: Supervision
    ) -> bool:
        for _ in self._ticks(producer, task):
            try:
                value = producer.function(self._plugin)
                for each in emission.several(value):  # its code runs between two events
                    emission.send(each)
            except CaptureClosedError:
                raise
            except Exception as e:  # noqa: BLE001  # the next call may succeed
                if not supervision.failed_call(e):
                    emission.report(e, "\n  it is not called again")
                    return False
                emission.report(e)
                continue
            if supervision.failures:
                supervision.succeeded()
        return False

    def _steps(
        self,
        producer: Producer,
        task: BackgroundTask,
        emission: Emission,
        _supervision: Supervision,
    ) -> bool:
        """Return whether the generator has ended."""
        steps = producer.function(self._plugin)
        try:
            for _ in self._ticks(producer, task):
                for each in emission.several(next(steps)):
                    emission.send(each, steps)
        except StopIteration:
            return True
        finally:
            steps.close()
        return False

    def _ticks(self, producer: Producer, task: BackgroundTask) -> Iterator[None]:
        """Yield immediately and then at the interval by the clock, until the task must stop."""
        due = time.monotonic()
        while task.should_keep_running(0.0):
            yield
            last = due
            while True:
                every, now = producer.interval(self._plugin.config), time.monotonic()
                due = max(last + every, now - every)  # of calls that took too long one is made up
                left = due - now
                if producer.every_changes:
                    left = min(left, LOOK_SECONDS)
                if left <= 0 or not task.should_keep_running(left):
                    break


def place_of(thread: threading.Thread) -> str:
    """Return where a thread is: `at file:line in function`, in the author's code if possible."""
    return place_of_thread(thread.ident or 0)


def place_of_thread(ident: int) -> str:
    """Do the same for a thread that Python may not have started."""
    import sys  # noqa: PLC0415

    frame = sys._current_frames().get(ident)  # noqa: SLF001  # there is no other way
    if frame is None:
        return "at an unknown place"
    frames = traceback.extract_stack(frame)
    last = (own_frames(frames) or frames)[-1]
    return f"at {last.filename}:{last.lineno} in {last.name}"
