# SPDX-License-Identifier: Apache-2.0
"""Feed: what all tools have in common: iteration in a thread and in asyncio, the end, the counters.

A tool has `read`, which waits for items and returns them, and `_release`, which lets go of what the
tool has open. Iterating calls `read` again and again: an item counts as passed on when the next
`read` begins, because only then the event source has taken it.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

from falcokit.runtime.base.closing import Closing, scope
from falcokit.runtime.base.counters import Counters
from falcokit.runtime.base.logs import current, plugin_logger
from falcokit.runtime.base.stack import OwnThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

__all__ = ["Feed", "on_own_thread"]

_Result = TypeVar("_Result")
_REPEAT_SECONDS: Final = 60.0  # in which a tool logs the same trouble once


class Feed:
    """Items from outside, as an iterable and an async iterable.

    It ends when the capture does, of which it learns by the context that it is made in: in `open`,
    in a generator, in `start_async` or in a producer. Elsewhere `close` ends it; it is a context
    manager as well.

    Attributes:
        counters: What it counts, which are the metrics `<name>_...` of the plugin.

    """

    #: The prefix of the metrics, and what the tool counts.
    name: ClassVar[str]
    counts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str | None = None) -> None:
        state: Any = current.get()
        prefix = name or type(self).name
        shared = getattr(state, "counters", None)
        self.counters: Counters = Counters(prefix) if shared is None else shared(prefix)
        self.counters.declare(self.counts)
        self.log = logging.getLogger(__name__) if state is None else plugin_logger(state.name)
        self._label = prefix
        self._logged: dict[str, float] = {}
        self._closing = threading.Lock()
        #: Set when the feed is closed, or its capture ends.
        self.closed = Closing()
        above = scope.get()
        self._undo: Callable[[], None] = lambda: None
        if above is not None:
            self._undo = above.call(self.close)

    def read(self) -> list[Any]:
        """Wait for items and return them; an empty list: the feed is over."""
        raise NotImplementedError

    def _release(self) -> None:
        """Let go of everything; called once, by any thread, and `read` may be under way."""

    def close(self) -> None:
        """End it: `read` returns, and nothing is left open."""
        with self._closing:
            if self.closed.is_set():
                return
            self.closed.set()
        self._undo()
        self._release()

    def __enter__(self) -> Self:
        """Return the feed, which is closed on exit."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Give the items until the feed is over."""
        while items := self.read():
            yield from items
        self.close()

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Do the same in asyncio; `read` waits on a thread of its own."""
        try:
            while items := await _in_thread(self.read):
                for item in items:
                    yield item
        finally:
            self.close()

    def warn(self, kind: str, text: str, *values: object) -> None:
        """Log some trouble, the same `kind` once a minute: a stranger must not fill the log."""
        now = time.monotonic()
        if now - self._logged.get(kind, -_REPEAT_SECONDS) >= _REPEAT_SECONDS:
            self._logged[kind] = now
            self.log.warning("%s: " + text, self._label, *values)  # noqa: G003  # a constant


async def _in_thread(function: Callable[[], _Result]) -> _Result:
    """Wait for a function that blocks. asyncio's own threads would make the loop's end wait."""
    import asyncio  # noqa: PLC0415  # 40 ms, and who is here has it

    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Result] = loop.create_future()

    def settle(set_outcome: Callable[[Any], None], outcome: Any) -> None:
        if not future.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome = (future.set_result, function())
        except BaseException as e:  # noqa: BLE001  # who awaits it gets it
            outcome = (future.set_exception, e)  # type: ignore[assignment]
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    _start(run)
    return await future


def on_own_thread(function: Callable[[], _Result], closed: Closing) -> _Result | None:
    """Call a function that may block for long; None if `closed` is set before it returns.

    It is left to itself then, and its result is dropped: it has to end by a timeout of its own.
    """
    done = Closing()
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as e:  # noqa: BLE001  # raised again by who waits
            errors.append(e)
        done.set()

    undo = closed.call(done.set)
    _start(run)
    done.wait()
    undo()
    if errors and not closed.is_set():
        raise errors[0]
    return results[0] if results else None


def _start(run: Callable[[], None]) -> None:
    context = contextvars.copy_context()
    thread = OwnThread(target=context.run, args=(run,), name="feed", daemon=True)
    thread.start()
    keep = getattr(current.get(), "keep", None)
    if keep is not None:
        keep(thread)
