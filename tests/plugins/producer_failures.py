# SPDX-License-Identifier: Apache-2.0
"""Producers that fail, in all their forms, beside two that are fine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import AsyncEvent, AsyncEvents, Plugin, async_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class P(Plugin, AsyncEvents):
    calls = 0

    @async_event("plain", every=0.002)
    def plain(self) -> None:
        raise ValueError("plain fails")

    @async_event("generator")
    def generator(self) -> Iterator[bytes]:
        yield b"1"
        raise ValueError("generator fails")

    @async_event("generator_every", every=0.002)
    def generator_every(self) -> Iterator[bytes]:
        yield b"1"
        raise ValueError("generator_every fails")

    @async_event("coroutine")
    async def coroutine(self) -> None:
        raise ValueError("coroutine fails")

    @async_event("coroutine_every", every=0.002)
    async def coroutine_every(self) -> None:
        raise ValueError("coroutine_every fails")

    @async_event("async_generator")
    async def async_generator(self) -> AsyncIterator[bytes]:
        yield b"1"
        raise ValueError("async_generator fails")

    @async_event("async_generator_every", every=0.002)
    async def async_generator_every(self) -> AsyncIterator[bytes]:
        yield b"1"
        raise ValueError("async_generator_every fails")

    @async_event("exiting", every=0.002)
    def exiting(self) -> None:
        raise SystemExit("exiting fails")

    @async_event("no_json", every=0.002)
    def no_json(self) -> object:
        return object()

    @async_event("undeclared", every=0.002)
    def undeclared(self) -> AsyncEvent:
        return AsyncEvent("nobody_declared_it")

    @async_event("fine", every=0.005)
    def fine(self) -> bytes:
        return b"fine"

    @async_event("fine_too", every=0.005)
    async def fine_too(self) -> bytes:
        return b"fine too"
