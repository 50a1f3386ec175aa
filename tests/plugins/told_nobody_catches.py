# SPDX-License-Identifier: Apache-2.0
"""Errors that no hook raises, warnings, what is printed, and a log that cannot be written."""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings

from falcokit import AsyncEventHandler, AsyncEvents, Plugin


class Loop:
    def __del__(self) -> None:
        raise ValueError("in a finalizer")  # del


class P(Plugin, AsyncEvents):
    async_events = ("one",)

    def work(self) -> None:
        raise ValueError("in a thread")  # thread

    def start_async(self, handler: AsyncEventHandler) -> None:
        thread = threading.Thread(target=self.work, name="own")
        thread.start()
        thread.join()
        Loop()
        warnings.warn("it is deprecated", stacklevel=1)  # warn
        for _ in range(10_000):
            print(".", end="")
        print("a", "b\nc", end="\n\n")
        print("no end", end="", flush=True)
        print("x" * 70_000)
        logging.getLogger("with\0nul").error("%s", Silent())
        try:
            json.loads("{")  # caught
        except ValueError:
            self.log.exception("it cannot be read %s", "twice")
        handler.emit("one", b"1")


class Silent:
    def __str__(self) -> str:  # noqa: PLE0307  # it does not return
        sys.exit("no text")

    __repr__ = __str__
