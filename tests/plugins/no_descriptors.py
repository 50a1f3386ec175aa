# SPDX-License-Identifier: Apache-2.0
"""Has no descriptor left when a module is not found at init."""

from __future__ import annotations

import os
import resource
import sys

from falcokit import AsyncEventHandler, AsyncEvents, Plugin


class P(Plugin, AsyncEvents):
    async_events = ("one",)

    def start_async(self, handler: AsyncEventHandler) -> None:
        pass

    def init(self) -> None:
        sys.path_importer_cache.clear()
        resource.setrlimit(resource.RLIMIT_NOFILE, (30, 4096))
        held = []
        try:
            while True:
                held.append(os.open("/", os.O_RDONLY))
        except OSError:
            pass
        try:
            try:
                raise ImportError("cannot unpack _decimal.so: Too many open files")  # noqa: TRY301
            except ImportError:
                raise ModuleNotFoundError("No module named '_pydecimal'")  # noqa: B904
        finally:
            for fd in held:
                os.close(fd)
