# SPDX-License-Identifier: Apache-2.0
"""Logs at each level, as a part and the root, prints, and tells of an exception."""

from __future__ import annotations

import logging

from falcokit import FATAL, NOTICE, TRACE, AsyncEventHandler, AsyncEvents, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("one",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        for level in (
            FATAL,
            logging.CRITICAL,
            logging.ERROR,
            logging.WARNING,
            NOTICE,
            logging.INFO,
            logging.DEBUG,
            TRACE,
        ):
            self.log.log(level, "level %d", level)
        logging.getLogger("some.part").warning("by a part")
        logging.getLogger().error("by the root")
        print("printed", "text")
        self.log.info("nul \0 and h\u00e9 and \ud800")
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            self.log.exception("with a traceback")
        handler.emit("one", b"1")
