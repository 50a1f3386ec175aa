# SPDX-License-Identifier: Apache-2.0
"""Takes another config while it runs, except for one that it refuses."""

from __future__ import annotations

from typing import Annotated

import msgspec

from falcokit import AsyncEventHandler, AsyncEvents, Metric, Plugin


class Config(msgspec.Struct):
    level: Annotated[int, msgspec.Meta(ge=1)] = 1


class P(Plugin, AsyncEvents):
    async_events = ("one",)
    config: Config

    def set_config(self, config: Config) -> None:
        if config.level == 13:
            raise ValueError("13 is unlucky")
        self.log.info("from %d to %d", self.config.level, config.level)
        self.handler.emit("one", str(config.level))

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler

    def get_metrics(self) -> list[Metric]:
        return [Metric("level", self.config.level)]
