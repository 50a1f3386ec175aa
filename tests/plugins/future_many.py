# SPDX-License-Identifier: Apache-2.0
"""Emits many events of an iterator that fails or gives what no event can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import AsyncEventHandler, AsyncEvents, EmitError, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, AsyncEvents):
    async_events = ("one",)
    config: str

    def start_async(self, handler: AsyncEventHandler) -> None:
        def source() -> Iterator[object]:
            yield from (b"1", b"2", b"3")
            if self.config == "raises":
                raise ValueError("of the source")
            yield object()
            yield b"never"

        try:
            handler.emit_many("one", source())
        except EmitError as e:
            handler.emit("one", f"{e.emitted} {str(e).rpartition('(')[2]}")
        except ValueError as e:
            handler.emit("one", str(e.__notes__))
