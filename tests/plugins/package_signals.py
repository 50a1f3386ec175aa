# SPDX-License-Identifier: Apache-2.0
"""Emits what became of a write to a closed pipe, at init and since."""

from __future__ import annotations

import os

from falcokit import AsyncEvents, Plugin, async_event


class P(Plugin, AsyncEvents):
    contact = "tests@example.com"

    def fail(self) -> str:
        read, write = os.pipe()
        os.close(read)
        try:
            os.write(write, b"x")
        except OSError as e:
            return type(e).__name__
        finally:
            os.close(write)
        return "nothing"

    def init(self) -> None:
        self.first = self.fail()

    @async_event("tick", every=0.02)
    def tick(self) -> str:
        return f"{self.first} {self.fail()}"
