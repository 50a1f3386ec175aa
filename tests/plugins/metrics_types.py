# SPDX-License-Identifier: Apache-2.0
"""Metrics of all types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit import AsyncEventHandler, AsyncEvents, Metric, Plugin

if TYPE_CHECKING:
    from collections.abc import Iterator


class P(Plugin, AsyncEvents):
    async_events = ("one",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        handler.emit("one")

    def get_metrics(self) -> Iterator[Metric]:
        yield Metric("u32", 2**32 - 1, "u32")
        yield Metric("s32", -(2**31), "s32")
        yield Metric("u64", 2**64 - 1)
        yield Metric("s64", -(2**63), "s64", monotonic=False)
        yield Metric("double", 0.1, "double", monotonic=False)
        yield Metric("load", 0.75)
        yield Metric("whole", 3.0, "u64")
        yield Metric("float", 0.5, "float", monotonic=False)
        yield Metric("int", -7, "int", monotonic=False)
