# SPDX-License-Identifier: Apache-2.0
"""Has all that metadata can hold, and every hook that is declared by being there."""

from __future__ import annotations

from typing import Annotated

import msgspec

from falcokit import AsyncEventHandler, AsyncEvents, Event, EventParsing, Metric, Plugin


class Config(msgspec.Struct):
    count: Annotated[int, msgspec.Meta(title="Count", description="How many.", ge=1)] = 7


class P(Plugin, AsyncEvents, EventParsing):
    version = "1.2.3"
    description = 'Says "h\u00e9", \\ and ??/ a\ttab.'
    contact = "c@example.com"
    async_events = ("one", "zw\u00f6lf")
    async_event_sources = ("syscall", "baseline_src")
    config: Config

    def init(self) -> None:
        raise ValueError("init must not run for metadata")

    def start_async(self, handler: AsyncEventHandler) -> None:
        pass

    def parse_event(self, event: Event) -> None:
        pass

    def set_config(self, config: object) -> None:
        pass

    def dump_state(self, handler: AsyncEventHandler) -> None:
        pass

    def get_metrics(self) -> list[Metric]:
        return []
