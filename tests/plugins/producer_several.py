# SPDX-License-Identifier: Apache-2.0
"""Producers whose values are several events, and whose interval the config has."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from falcokit import AsyncEvent, AsyncEvents, Plugin, async_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Pair(NamedTuple):
    x: int
    y: int


class Times(msgspec.Struct):
    often_s: Annotated[float, msgspec.Meta(gt=0)] = 0.002


class Config(msgspec.Struct):
    times: Times = msgspec.field(default_factory=Times)
    once_s: int = 3600


class P(Plugin, AsyncEvents):
    async_events = ("other",)
    config: Config

    def init(self) -> None:
        self.times: dict[str, int] = {}

    def once(self, name: str, value: Any) -> Any:
        self.times[name] = self.times.get(name, 0) + 1
        return value if self.times[name] == 1 else None

    @async_event("list", every="config.times.often_s")
    def list(self) -> Any:
        return self.once("list", [b"1", None, "2", {"three": 3}, AsyncEvent("other", b"list")])

    @async_event("tuple", every="config.once_s")
    def tuple(self) -> Any:
        return ([1, 2], Pair(3, 4), AsyncEvent("other", b"tuple"))

    @async_event("pair", every="config.once_s")
    def pair(self) -> Pair:
        return Pair(1, 2)

    @async_event("iterator", every="config.once_s")
    def iterator(self) -> Any:
        return map(str, range(3))

    @async_event("generator", every="config.once_s")
    def generator(self) -> Any:
        return self.numbers()

    def numbers(self) -> Iterator[int]:
        try:
            yield from range(3)
        finally:
            self.log.warning("the generator has been closed")

    @async_event("yielded", every="config.once_s")
    def yielded(self) -> Iterator[Any]:
        yield [1, 2]
        yield 3

    @async_event("waiting")
    def waiting(self) -> Iterator[Any]:
        yield (b"1", b"2")
        self.sleep(3600)

    @async_event("async_list", every="config.times.often_s")
    async def async_list(self) -> Any:
        return self.once("async_list", [1, AsyncEvent("other", b"async")])

    @async_event("async_generator", every="config.once_s")
    async def async_generator(self) -> Any:
        return self.async_numbers()

    async def async_numbers(self) -> AsyncIterator[int]:
        for number in range(3):
            yield number

    @async_event("async_yielded", every="config.times.often_s")
    async def async_yielded(self) -> AsyncIterator[Any]:
        yield [1, 2]
        yield iter((3, 4))

    @async_event("bad", every="config.once_s")
    def bad(self) -> Any:
        return [b"before", object(), b"after"]  # bad

    @async_event("endless", every="config.once_s")
    async def endless(self) -> Any:
        return itertools.chain((b"endless",), itertools.repeat(None))
