# SPDX-License-Identifier: Apache-2.0
"""Logs what its config is, in each hook and on its own threads."""

from __future__ import annotations

import logging

from falcokit import AsyncEventHandler, AsyncEvents, BackgroundTask, Plugin, async_event


class P(Plugin, AsyncEvents):
    async_events = ("one",)
    config: str

    def init(self) -> None:
        self.log.info("init of %s", self.config)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.log.info("start of %s", self.config)
        self.task = BackgroundTask()
        self.task.start(self.work)

    def work(self) -> None:
        logging.getLogger("lib").warning("work of %s", self.config)

    def stop_async(self) -> None:
        self.task.stop()

    @async_event("one")
    async def produce(self) -> None:
        self.log.info("producing for %s", self.config)

    def set_config(self, config: object) -> None:
        self.log.info("set_config of %s", self.config)

    def destroy(self) -> None:
        self.log.info("destroy of %s", self.config)
