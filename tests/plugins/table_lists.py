# SPDX-License-Identifier: Apache-2.0
"""Changes the lists and tables in an entry of the threads, and logs what is left."""

from __future__ import annotations

import json
from typing import Annotated

from falcokit import (
    AsyncEvents,
    Event,
    EventParsing,
    Plugin,
    Table,
    TableEntry,
    async_event,
    i64,
    import_table,
    u64,
)


class Value(TableEntry):
    value: str


class Fd(TableEntry):
    name: str


class Process(TableEntry):
    env: Table[u64, Value]
    fds: Annotated[Table[i64, Fd], "file_descriptors"]

    @property
    def name(self) -> str:
        return self.fds[1].name

    @name.setter
    def name(self, text: str) -> None:
        self.fds[1].name = text


class P(Plugin, AsyncEvents, EventParsing):
    parse_event_types = (402,)
    threads = import_table("threads", i64, Process)

    @async_event("a", every=0.02)
    def tick(self) -> bytes:
        return b"x"

    def parse_event(self, event: Event) -> None:
        thread = self.threads.insert(77)
        env, fds = thread.env, thread.fds
        said: list[list[object]] = []

        def look() -> None:
            said.append([e.value for e in env])

        env.insert(0, value="a")
        look()
        env.insert(3, value="d")
        look()
        env[1].value = "b"
        env.erase(2)
        look()
        env[1] = {}
        look()
        env.insert(0).value += "!"
        look()
        fds.insert(1)
        fds.insert(2, name="two")
        thread.name = "one"
        said.append([*sorted(fd.name for fd in fds)])
        fds.erase(1)
        said.append([1 in fds, 2 in fds, fds[2].name, len(fds), fds.get(9)])
        self.log.info("told lists %s", json.dumps(said))
