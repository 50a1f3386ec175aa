# SPDX-License-Identifier: Apache-2.0
"""Gives a metric that is wrong in the way that its config names, behind a good one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falcokit import AsyncEventHandler, AsyncEvents, Metric, Plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAYS: dict[str, Callable[[], Any]] = {
    "too large": lambda: Metric("bad", 2**32, "u32"),
    "negative": lambda: Metric("bad", -1),
    "not whole": lambda: Metric("bad", 0.75, "u64"),
    "no int": lambda: Metric("bad", 0.75, "int"),
    "unknown type": lambda: Metric("bad", 1, "u8"),  # type: ignore[arg-type]
    "text": lambda: Metric("bad", "x", "double"),  # type: ignore[arg-type]
    "name": lambda: Metric("nul\0", 1),
    "no metric": lambda: 7,
    "failing": lambda: 1 / 0,
}


class P(Plugin, AsyncEvents):
    async_events = ("one",)
    config: str

    def start_async(self, handler: AsyncEventHandler) -> None:
        handler.emit("one")

    def get_metrics(self) -> Iterator[Any]:
        yield Metric("good", 1)
        yield WAYS[self.config]()
