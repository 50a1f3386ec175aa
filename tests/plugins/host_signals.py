# SPDX-License-Identifier: Apache-2.0
"""Writes to a closed pipe and past a limit, at init and from its producers."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import tempfile

from falcokit import AsyncEvents, Plugin, async_event


class P(Plugin, AsyncEvents):
    def fail(self) -> str | None:
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "wb", 0) as file:
            try:
                file.write(b"x")
            except BrokenPipeError:
                return "EPIPE"
        return None

    def exceed(self) -> str | None:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, before[1]))
        try:
            with tempfile.TemporaryFile(buffering=0) as file:
                os.pwrite(file.fileno(), b"x", 1 << 30)
        except OSError as e:
            return errno.errorcode[e.errno or 0]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return None

    def init(self) -> None:
        self.log.info("told %s %s", self.fail(), self.exceed())

    @async_event("beat", every=0.01)
    def beat(self) -> bytes:
        self.fail()
        return b"beat"

    @async_event("later", every=0.01)
    async def later(self) -> bytes:
        await asyncio.sleep(0)
        self.fail()
        return b"later"
