# SPDX-License-Identifier: Apache-2.0
"""Consumer: messages of a broker, or of anything else that one connects to and that may break."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import TYPE_CHECKING, Any

from falcokit.runtime.base.errors import PluginError, format_error
from falcokit.sources.backoff import Backoff
from falcokit.sources.feed import Feed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

__all__ = ["Consumer"]


class Consumer(Feed):
    """The messages of one connection after the other.

    `connect` makes a connection and returns an iterable of its messages; it is often a generator:

        def messages():
            client = redis.Redis("broker", socket_timeout=1).pubsub()
            client.subscribe("alerts")
            while True:
                message = client.get_message(timeout=1)
                yield message and message["data"]  # None: nothing now

    When it raises or ends, it is called again: after a pause, which doubles with each failure until
    a message comes. A message is in the event source when the next one is asked for: code after a
    `yield` may commit it. `connect` may as well return an async iterable (aiokafka, nats-py) where
    the consumer is iterated by asyncio.

    So that the end of a capture is noticed, waiting for a message must end within a second or two
    (yield None then), or the iterable must have a `close()` that ends it from another thread.

    Args:
        connect: Makes a connection.
        first_pause: Seconds of the first pause.
        max_pause: Seconds of the longest.
        name: Prefix of the metrics: <name>_messages and so on.

    """

    name = "queue"
    counts = ("messages", "connections", "failures")

    def __init__(
        self,
        connect: Callable[[], Any],
        *,
        first_pause: float = 1.0,
        max_pause: float = 60.0,
        name: str | None = None,
    ) -> None:
        self._connect = connect
        self._backoff = Backoff(first_pause, max_pause)
        self._connection: Any = None
        self._messages: Iterator[Any] | None = None
        super().__init__(name)

    def read(self) -> list[Any]:
        """Wait for a message, and return it."""
        while not self.closed.is_set():
            try:
                messages = self._messages = self._messages or self._open()
                for message in messages:
                    if self.closed.is_set():
                        return []
                    if message is not None:
                        self._came()
                        return [message]
                self._broke(None)
            except Exception as e:  # noqa: BLE001  # whatever a client raises
                self._broke(e)
            self._drop()
            self.closed.wait(self._pause)
        self._drop()
        return []

    def _open(self) -> Iterator[Any]:
        connection = self._connect()
        if hasattr(connection, "__aiter__") or inspect.isawaitable(connection):
            if inspect.iscoroutine(connection):
                connection.close()
            raise PluginError(
                "connect gave an async connection: iterate over the consumer with `async for`"
            )
        self._opened(connection)
        return iter(connection)

    def _opened(self, connection: Any) -> None:
        self._connection = connection
        self.counters.add("connections")
        if self.closed.is_set():
            self._release()

    def _came(self) -> None:
        self._backoff.reset()
        self.counters.add("messages")

    def _broke(self, error: Exception | None) -> None:
        if self.closed.is_set():
            self._pause = 0.0
            return
        self._pause = self._backoff.next()
        self.counters.add("failures")
        what = "the connection has ended" if error is None else format_error(error, "connect")
        self.warn("broke", "%s; connecting again in %.1f s", what, self._pause)

    def _drop(self) -> None:
        """Close the connection, on the thread that iterates."""
        connection, self._connection = self._connection, None
        messages, self._messages = self._messages, None
        for one in (messages, connection):
            with contextlib.suppress(Exception):  # it is broken anyway
                getattr(one, "close", _nothing)()

    def _release(self) -> None:
        """Let a client that waits return; a generator can be closed by its own thread only."""
        connection = self._connection
        if not inspect.isgenerator(connection):
            with contextlib.suppress(Exception):
                getattr(connection, "close", _nothing)()

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Give the messages in asyncio, of async and of other connections."""
        try:
            while not self.closed.is_set():
                connection: Any = None
                try:
                    connection = self._connect()
                    if inspect.isawaitable(connection):
                        connection = await connection
                    if not hasattr(connection, "__aiter__"):
                        self._opened(connection)
                        self._messages = iter(connection)
                        async for message in super().__aiter__():
                            yield message
                        return
                    self.counters.add("connections")
                    async for message in connection:
                        if message is not None:
                            self._came()
                            yield message
                    self._broke(None)
                except Exception as e:  # noqa: BLE001  # whatever a client raises
                    self._broke(e)
                finally:
                    await _close(connection)
                await asyncio.sleep(self._pause)
        finally:
            self.close()


async def _close(connection: Any) -> None:
    """Close an async connection by what it has: aclose, or close that may be async."""
    if not hasattr(connection, "__aiter__"):
        return
    close: Any = getattr(connection, "aclose", None) or getattr(connection, "close", _nothing)
    with contextlib.suppress(Exception):
        done = close()
        if inspect.isawaitable(done):
            await done


def _nothing() -> None:
    return None
