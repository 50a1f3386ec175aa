# SPDX-License-Identifier: Apache-2.0
"""Calls emit_many with iterables of each kind, good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import AsyncEventHandler, AsyncEvents, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, AsyncEvents):
    async_events = ("tick", "told")

    def start_async(self, handler: AsyncEventHandler) -> None:
        def payloads() -> Iterator[str | bytes]:
            yield b"1"
            yield "2"
            raise ValueError("no more")

        for given in (payloads(), [b"3", object(), b"never"], [], (b"4",)):
            try:
                handler.emit("told", str(handler.emit_many("tick", given)))
            except Exception as e:
                handler.emit("told", type(e).__name__)
