# SPDX-License-Identifier: Apache-2.0
"""A plugin that does what table_misuse lists, and logs what was raised."""

from __future__ import annotations

from table_misuse import IMPORTED, KEPT, OUTSIDE, USED

__all__ = ["plugin"]

_PLUGIN = """
import json
from falcokit import *

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
    def told(self):
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
Many = type("Many", (TableEntry,), {
    "__annotations__": {f"f{i}": u64 for i in range(128)},
    **{f"f{i}": added() for i in range(128)}})

def elsewhere(use):
    caught = []
    def run():
        try:
            use()
        except BaseException as e:
            caught.append(e)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    raise caught.pop()

class P(Plugin, AsyncEvents, EventParsing):
    parse_event_types = (402,)
    threads = import_table("threads", i64, Process)
    mine = export_table("mine", u64, Own)
    parsed, outside = 0, False
    def both(self):
        for tid in (77, 78):
            self.threads.insert(tid, comm="sh").fds.insert(1)
    def refuse(self, where, steps, **given):
        said, self.scopes = [], []
        for step in steps:
            scope = {**globals(), "self": self, "threads": self.threads, **given}
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
    def init(self):
        self.refuse("init", IMPORTED, get=self.tables.get)
        self.mine[1] = {"v": 1}
    @async_event("a", every=0.02)
    def tick(self):
        if self.parsed >= 2 and not self.outside:
            self.outside = True
            self.refuse("producer", OUTSIDE)
        return b"x"
    def parse_event(self, event):
        self.parsed += 1
        if self.parsed == 1:
            self.refuse("parse", USED)
            t = self.threads.insert(77, comm="sh")
            value = t.env.insert(0, value="x")
            i = iter(self.threads)
            self.kept = [t, t.fds, i, next(i), value]
        elif self.parsed == 2:
            self.refuse("kept", KEPT, kept=self.kept)
    def start_async(self, handler):
        self.refuse("start_async", OUTSIDE)
    def get_metrics(self):
        self.refuse("metrics", OUTSIDE)
        yield Metric("one", 1)
    def destroy(self):
        self.refuse("destroy", OUTSIDE)
"""


def plugin() -> str:
    """Return its text."""
    text = _PLUGIN
    lists = {"IMPORTED": IMPORTED, "USED": USED, "KEPT": KEPT, "OUTSIDE": OUTSIDE}
    for name, steps in lists.items():
        text = text.replace(f", {name}", f", {[code for code, _ in steps]!r}")
    return text
