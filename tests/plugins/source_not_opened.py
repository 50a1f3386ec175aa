# SPDX-License-Identifier: Apache-2.0
"""A source whose capture does not open, for the work of another capability fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import AsyncEventHandler, AsyncEvents, EventSource, Plugin

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator


class P(Plugin, EventSource, AsyncEvents):
    plugin_id, event_source = 999, "conform"
    async_events = ("late",)

    def open(self, params: str) -> Steps:
        return Steps(self.log)

    def start_async(self, handler: AsyncEventHandler) -> None:
        raise ValueError("no start")


class Steps:
    def __init__(self, log: logging.Logger) -> None:
        self.log = log

    def __iter__(self) -> Iterator[bytes]:
        return self.steps()

    def steps(self) -> Iterator[bytes]:
        self.log.error("it ran")
        yield b"one"

    def close(self) -> None:
        self.log.warning("it was closed")
