# SPDX-License-Identifier: Apache-2.0
"""Every misuse of an imported table is a TableError, in the framework and everywhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from table_misuse import refused
from table_misuse_plugin import plugin

from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from author import Author
    from conftest import WritePlugin
    from drivers import Drive

HOOKS = {"init", "parse", "kept", "producer", "start_async", "metrics", "destroy"}


def told(texts: list[str]) -> dict[str, list[str]]:
    lines = [text.partition("told ")[2].split(" ", 1) for text in texts if "told " in text]
    return {where: json.loads(said) for where, said in lines}


def in_process(author: Author) -> list[str]:
    threads: Any = {1: {"comm": "init", "file_descriptors": {0: {"name": "in"}}}}
    with start_plugin(author.plugin, tables={"threads": threads}) as running:
        for _ in range(3):
            running.next_event()  # parsed when it was emitted
        running.metrics()
    return [message.text for message in running.logs]


LISTS = """
from falcokit import Table, TableEntry, i64, import_table, u64
class Value(TableEntry):
    value: str
class Fd(TableEntry):
    name: str
class Process(TableEntry):
    env: Table[u64, Value]
    fds: Annotated[Table[i64, Fd], "file_descriptors"]
    @property
    def name(self):
        return self.fds[1].name
    @name.setter
    def name(self, text):
        self.fds[1].name = text
class P(Plugin, AsyncEvents, EventParsing):
    parse_event_types = (402,)
    threads = import_table("threads", i64, Process)
    @async_event("a", every=0.02)
    def tick(self): return b"x"
    def parse_event(self, event):
        thread = self.threads.insert(77)
        env, fds = thread.env, thread.fds
        said = []
        def look():
            said.append([e.value for e in env])
        env.insert(0, value="a"), look()
        env.insert(3, value="d"), look()
        env[1].value = "b"
        env.erase(2), look()
        env[1] = {}
        look()
        env.insert(0).value += "!"
        look()
        fds.insert(1), fds.insert(2, name="two")
        thread.name = "one"
        said.append(sorted(fd.name for fd in fds))
        fds.erase(1), said.append([1 in fds, 2 in fds, fds[2].name, len(fds), fds.get(9)])
        self.log.info("told lists %s", __import__("json").dumps(said))
"""
CHANGED = [
    ["a"], ["a", "", "", "d"], ["a", "b", "d"], ["a", "b"], ["a!"], ["one", "two"],
    [False, True, "two", 1, None],
]  # fmt: skip


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_what_lies_in_a_thread_is_changed_alike(drive: Drive, write_plugin: WritePlugin) -> None:
    """P4, T1"""
    author = write_plugin(LISTS)
    if drive.name != "in_process":
        texts = [log.text for log in drive(author, limit=2).logs]
    else:
        texts = in_process(author)
    assert told(texts)["lists"] == CHANGED


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_every_misuse_is_a_table_error(drive: Drive, write_plugin: WritePlugin) -> None:
    """P4, P6, T5, T7"""
    author = write_plugin(plugin())
    declared = drive.name != "in_process"
    if declared:
        out = drive(author, limit=20)
        assert out.error == ""
        texts = [log.text for log in out.logs]
    else:
        texts = in_process(author)
    said = told(texts)
    assert set(said) >= HOOKS, (set(said), texts)
    wrong = [x for where in sorted(said) for x in refused(where, said[where], declared=declared)]
    assert not wrong, "\n".join(wrong)
    assert sum(map(len, said.values())) > 100
