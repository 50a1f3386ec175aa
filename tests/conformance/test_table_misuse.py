# SPDX-License-Identifier: Apache-2.0
"""Every misuse of an imported table is a TableError, in the framework and everywhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin
from table_misuse import CONFIG, refused

from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from author import Author
    from conftest import WritePlugin
    from drivers import Drive

HOOKS = {"init", "parse", "kept", "producer", "start_async", "metrics", "destroy"}


def told(texts: list[str]) -> dict[str, list[str]]:
    lines = [text.partition("told ")[2].split(" ", 1) for text in texts if "told " in text]
    return {where: json.loads(said) for where, said in lines}


def in_process(author: Author, config: Any = None) -> list[str]:
    threads: Any = {1: {"comm": "init", "file_descriptors": {0: {"name": "in"}}}}
    with start_plugin(author.plugin, config, tables={"threads": threads}) as running:
        # The producer may be some events ahead of parse_event.
        for _ in range(12):
            running.next_event()
        running.metrics()
    return [message.text for message in running.logs]


LISTS = plugin("table_lists")
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
    author = write_plugin(plugin("table_misuse"))
    declared = drive.name != "in_process"
    if declared:
        out = drive(author, CONFIG, limit=20)
        assert out.error == ""
        texts = [log.text for log in out.logs]
    else:
        texts = in_process(author, CONFIG)
    said = told(texts)
    assert set(said) >= HOOKS, (set(said), texts)
    wrong = [x for where in sorted(said) for x in refused(where, said[where], declared=declared)]
    assert not wrong, "\n".join(wrong)
    assert sum(map(len, said.values())) > 100
