# SPDX-License-Identifier: Apache-2.0
"""Waiting that ends with the capture: what `Plugin.sleep` and `Plugin.closing` are made of.

A capture has one Closing, and so has an event source between open and close. Work finds its own by
the context, which producers, sources and BackgroundTasks inherit; a thread of the author's own has
no context of falcokit's and finds the plugin's newest. Any thread.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import time
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Self, overload

from falcokit.runtime.base.errors import WorkCancelledError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Generator

__all__ = ["Closing", "ClosingAttribute", "cancelling_loops", "follow", "pause", "scope"]

#: The Closing of the work that runs in this context.
scope: ContextVar[Closing | None] = ContextVar("falcokit_closing", default=None)
#: Event loops of falcokit, whose tasks are cancelled at the close: once, so that they can clean up.
cancelling_loops: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
_NEWEST: Final = "_falcokit_closing"  # in the dictionary of a plugin's instance
_TEXT: Final = "the capture closes"


class Closing:
    """Set when a capture closes, before its work is asked to end. Made by falcokit.

    A thread waits with `wait`, a coroutine with `await plugin.closing`.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._calls: dict[object, Callable[[], object]] = {}

    def is_set(self) -> bool:
        """Return whether the capture closes, or has closed."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it closes, at most `timeout` seconds; return whether it does."""
        return self._event.wait(None if timeout is None else _bounded(timeout))

    def call(self, function: Callable[[], object]) -> Callable[[], None]:
        """Call `function` once when it closes, or now if it does; return what undoes that.

        It runs on the thread that closes and must return within a second: the host waits for it.
        """
        key = object()
        with self._lock:
            if not self._event.is_set():
                self._calls[key] = function
                return functools.partial(self._forget, key)
        function()
        return functools.partial(self._forget, key)

    def _forget(self, key: object) -> None:
        with self._lock:
            self._calls.pop(key, None)

    def set(self) -> None:
        """Wake everything that waits."""
        with self._lock:
            self._event.set()
            calls, self._calls = list(self._calls.values()), {}
        for function in calls:
            with contextlib.suppress(Exception):  # an event loop that has ended; the others count
                function()

    def __await__(self) -> Generator[Any, None, None]:
        """Wait in a coroutine until it closes."""
        yield from self.closes_within(None).__await__()

    async def closes_within(self, seconds: float | None) -> bool:
        """Wait in a coroutine until it closes, at most `seconds`; return whether it does."""
        import asyncio  # noqa: PLC0415  # 40 ms: only where a coroutine runs

        loop = asyncio.get_running_loop()
        closed = loop.create_future()
        forget = self.call(functools.partial(loop.call_soon_threadsafe, _finish, closed))
        try:
            await asyncio.wait((closed,), timeout=seconds)
        finally:
            forget()
        return self._event.is_set()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


_NEVER: Final = Closing()  # of an instance that no host has made


class ClosingAttribute:
    """The attribute `closing`; an author's own attribute of that name takes its place."""

    @overload
    def __get__(self, plugin: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, plugin: object, owner: type[Any]) -> Closing: ...
    def __get__(self, plugin: object | None, owner: type[Any]) -> Closing | Self:
        """Return the Closing of the work that asks."""
        return self if plugin is None else _closing_of(plugin)


def _closing_of(plugin: Any) -> Closing:
    found: Closing | None = scope.get() or vars(plugin).get(_NEWEST)
    return found or _NEVER


def follow(plugin: Any, closing: Closing) -> None:
    """Have `closing` found by threads without a context of falcokit's."""
    vars(plugin)[_NEWEST] = closing


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), threading.TIMEOUT_MAX)


class _Slept:
    """What `sleep` returns to a thread, which does not await it."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_SLEPT: Final = _Slept()


def pause(plugin: Any, seconds: float) -> Awaitable[None]:
    """Sleep here, or in a coroutine return what sleeps when it is awaited.

    Raises:
        WorkCancelledError: in a thread, the capture closes.

    """
    closing = _closing_of(plugin)
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:  # noqa: SLF001  # documented
        return _pause(closing, seconds)
    if closing is _NEVER:
        time.sleep(_bounded(seconds))
    elif closing.wait(seconds):
        raise WorkCancelledError(_TEXT)
    return _SLEPT


async def _pause(closing: Closing, seconds: float) -> None:
    import asyncio  # noqa: PLC0415

    seconds = _bounded(seconds)
    if closing.is_set():
        raise asyncio.CancelledError(_TEXT)
    if asyncio.get_running_loop() in cancelling_loops:
        await asyncio.sleep(seconds)
    elif await closing.closes_within(seconds):
        raise asyncio.CancelledError(_TEXT)
