# SPDX-License-Identifier: Apache-2.0
"""Does what its config lists in each hook, and logs what was raised."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Annotated

import msgspec

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Event,
    EventParsing,
    Metric,
    Plugin,
    Table,
    TableEntry,
    TableError,
    added,
    async_event,
    export_table,
    i8,
    i64,
    import_table,
    readonly,
    u8,  # noqa: F401  # steps name it
    u64,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Fd(TableEntry):
    name: str


class Value(TableEntry):
    value: str


class Pair(TableEntry):
    first: str
    second: str


class Process(TableEntry):
    comm: str
    tid: i64
    pid: i64
    cwd: str
    fds: Annotated[Table[i64, Fd], "file_descriptors"]
    env: Table[u64, Value]
    args: Table[u64, Value]
    cgroups: Table[u64, Pair]
    small: i8 = added()
    odd: bool = added()

    def told(self) -> str:
        return self.comm


class Other(TableEntry):
    comm: str


class TwoTypes(TableEntry):
    root: str
    again: Annotated[u64, "root"]


class OtherKey(TableEntry):
    fds: Annotated[Table[u64, Fd], "file_descriptors"]


class ListKey(TableEntry):
    args: Table[i64, Value]


class Taken(TableEntry):
    ptid: str = added()


class AddedTable(TableEntry):
    kids: Table[u64, Fd] = added()


class Untyped(TableEntry):
    opened = added()


class Slotted(TableEntry):
    __slots__ = ("x",)


class Own(TableEntry):
    v: u64
    r: Annotated[u64, readonly] = 7


class MineAdded(TableEntry):
    v: str = added()


Many = type(
    "Many",
    (TableEntry,),
    {
        "__annotations__": {f"f{i}": u64 for i in range(128)},
        **{f"f{i}": added() for i in range(128)},
    },
)


def elsewhere(use: Callable[[], object]) -> None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            use()
        except BaseException as e:
            caught.append(e)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    raise caught.pop()


class Config(msgspec.Struct):
    """Python code for each place: steps of their own, each to be refused."""

    init: list[str]
    parse: list[str]
    kept: list[str]
    outside: list[str]


class P(Plugin, AsyncEvents, EventParsing):
    parse_event_types = (402,)
    threads = import_table("threads", i64, Process)
    mine = export_table("mine", u64, Own)
    config: Config
    parsed, outside = 0, False

    def both(self) -> None:
        for tid in (77, 78):
            self.threads.insert(tid, comm="sh").fds.insert(1)

    def refuse(self, where: str, steps: list[str], **given: object) -> None:
        said: list[str] = []
        self.scopes: list[dict[str, object]] = []
        for step in steps:
            scope: dict[str, object] = {**globals(), "self": self, "threads": self.threads, **given}
            if where == "parse":
                scope["t"] = self.threads.insert(77, comm="sh")
                scope["both"] = self.both
            self.scopes.append(scope)  # what the step got stays until the hook's end
            try:
                exec(step, scope)
                said.append("nothing was raised")
            except TableError as e:
                said.append(str(e))
            except BaseException as e:
                said.append(f"{type(e).__name__}: {e}")
            if "iter(" in step or " in threads" in step:
                scope.clear()  # an iteration that is kept lets nothing be inserted
        self.log.error("%s", f"told {where} " + json.dumps(said))

    def init(self) -> None:
        self.refuse("init", self.config.init, get=self.tables.get)
        self.mine[1] = {"v": 1}

    @async_event("a", every=0.02)
    def tick(self) -> bytes:
        if self.parsed >= 2 and not self.outside:
            self.outside = True
            self.refuse("producer", self.config.outside)
        return b"x"

    def parse_event(self, event: Event) -> None:
        self.parsed += 1
        if self.parsed == 1:
            self.refuse("parse", self.config.parse)
            t = self.threads.insert(77, comm="sh")
            value = t.env.insert(0, value="x")
            i = iter(self.threads)
            self.kept = [t, t.fds, i, next(i), value]
        elif self.parsed == 2:
            self.refuse("kept", self.config.kept, kept=self.kept)

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.refuse("start_async", self.config.outside)

    def get_metrics(self) -> Iterator[Metric]:
        self.refuse("metrics", self.config.outside)
        yield Metric("one", 1)

    def destroy(self) -> None:
        self.refuse("destroy", self.config.outside)
