# SPDX-License-Identifier: Apache-2.0
"""Sources in all forms that open may return; the open params say which."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

from falcokit import EventQueue, EventSource, Plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class Instance:
    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Iterator[str]:
        for i in range(self.n):
            yield str(i)


class AsyncInstance(Instance):
    __iter__ = None  # type: ignore[assignment]  # an instance that is async alone

    async def __aiter__(self) -> AsyncIterator[str]:
        for i in range(self.n):
            await asyncio.sleep(0)
            yield str(i)


class Stepper:
    def __init__(self, n: int) -> None:
        self.i, self.n = 0, n

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if self.i == self.n:
            raise StopIteration
        self.i += 1
        return str(self.i - 1)


class Queued:
    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> EventQueue:
        queue = EventQueue()

        def produce() -> None:
            queue.put_many(str(i) for i in range(self.n))
            queue.end()

        threading.Thread(target=produce).start()
        return queue


def generator(n: int) -> Iterator[str]:
    for i in range(n):
        yield str(i)


async def async_generator(n: int) -> AsyncIterator[str]:
    for i in range(n):
        yield str(i)


class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"

    def open(self, params: str) -> object:
        n = 4000
        forms: dict[str, Callable[[], object]] = {
            "generator": lambda: generator(n),
            "async": lambda: async_generator(n),
            "list": lambda: [str(i) for i in range(n)],
            "map": lambda: map(str, range(n)),
            "instance": lambda: Instance(n),
            "async instance": lambda: AsyncInstance(n),
            "stepper": lambda: Stepper(n),
            "queue": lambda: Queued(n).__iter__(),
            "queued": lambda: Queued(n),
        }
        return forms[params]()
