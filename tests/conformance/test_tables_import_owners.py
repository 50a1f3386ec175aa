# SPDX-License-Identifier: Apache-2.0
"""Importing what another plugin exports, or has imported before: each in its own type only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from drivers import Outcome, read_reports

from falcokit.runner.run import RunOptions

if TYPE_CHECKING:
    from author import Author
    from conftest import RealHost, WritePlugin
    from drivers import Plughost

FIRST = plugin("table_first")
SECOND = plugin("table_second")
REFUSED = [
    "table 'mine': the key of 'mine' is u64 in this plugin already, and cannot be str",
    "table 'mine': field 'v' of 'mine' is u64 in this plugin already, and cannot be str",
    "table 'mine' has no field 'w': it has v",
    "table 'threads' has no field 'open_count': it has ",
    "table 'event_counters' cannot be imported: it does not exist; the host has ",
    "table 'threads' takes no added field 'score' of type str: it has one of type u64",
    "table 'threads' has no field 'comm' of type i64: it has one of type str",
    "table 'threads' cannot be imported: its keys are of type i64, not u64",
]
WRONG = """
from falcokit import TableEntry, import_table, u64
class I(TableEntry):
    v: u64
class P(Plugin, EventParsing):
    parse_event_types = ("<open",)
    bad = import_table("mine", str, I)
    def parse_event(self, event): pass
"""


def in_runner(first: Author, second: Author) -> Outcome:
    out = Outcome()
    read_reports(RunOptions(library=first.library, beside=(second.library,), duration=0.1), out)
    return out


def in_plughost(
    host: Plughost, real: RealHost, first: Author, second: Author
) -> dict[str, list[str]]:
    source = ["--plugin", real.baseline, "--init", '{"async":0}', "--open", 1]
    both = ["--plugin", first.library, "--plugin", second.library]
    answer = host.raw(*source, *both, "--log")
    return {"log": answer["log"], "error": [answer.get("error", "")]}


def compare(said: list[str]) -> None:
    refused = sorted(text.partition("refused ")[2] for text in said if "refused " in text)
    pairs = list(zip(refused, sorted(REFUSED), strict=True))  # a host's log is in no order
    assert not [pair for pair in pairs if not pair[0].startswith(pair[1])]
    # What the host said of one is not the reason of the next.
    assert not [text for text in refused if "event_counters" in text and "open_count" in text]


@pytest.mark.host
def test_a_type_that_another_plugin_does_not_use_is_refused_by_the_framework(
    plughost: Plughost, real_host: RealHost, write_plugin: WritePlugin
) -> None:
    """P2, P3"""
    first, second = write_plugin(FIRST, "first"), write_plugin(SECOND, "second")
    answer = in_plughost(plughost, real_host, first, second)
    assert answer["error"] == [""]
    compare(answer["log"])
    answer = in_plughost(plughost, real_host, first, write_plugin(WRONG, "wrong"))
    text = "table 'mine' cannot be imported: its keys are of type u64, not str"
    assert text in answer["error"][0]


def test_the_runner_refuses_the_same(write_plugin: WritePlugin) -> None:
    """P2, P3"""
    out = in_runner(write_plugin(FIRST, "first"), write_plugin(SECOND, "second"))
    assert out.error == ""
    compare([log.text for log in out.logs])
