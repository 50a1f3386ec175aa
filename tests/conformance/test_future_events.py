# SPDX-License-Identifier: Apache-2.0
"""Events whose time has not come: they wait in the plugin, and hold back nobody in the host."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from author import plugin

from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Drive, Plughost

AHEAD = """
class P(Plugin, AsyncEvents):
    async_events = ("late",)
    def start_async(self, handler):
        self.handler = handler
        handler.emit("late", b"now")
        for direct in (False, True):
            handler.emit("late", b"never", ts_ns=time.time_ns() + 9_500_000_000, direct=direct)
        handler.emit_many("late", [b"never"], ts_ns=time.time_ns() + 9_500_000_000)
"""
BEAT = """
class P(Plugin, AsyncEvents):
    @async_event("beat", every=0.005)
    def beat(self):
        return b"x"
"""
SOON = """
class P(Plugin, AsyncEvents):
    async_events = ("soon",)
    def start_async(self, handler):
        now = time.time_ns()
        for after in (300, 100, 200, 0):
            handler.emit("soon", f"{after} {now}", ts_ns=now + after * 1_000_000)
"""
FULL = """
class P(Plugin, AsyncEvents):
    async_events = ("later", "told")
    def start_async(self, handler):
        made = 0
        try:
            while True:
                handler.emit("later", ts_ns=time.time_ns() + 9_500_000_000)
                made += 1
        except falcokit.RingFullError as e:
            handler.emit("told", f"{made} {e.reason}")
"""
MANY = plugin("future_many")
WRONG_NAME = """
class Name(str):
    def __del__(self):
        P.handler.emit("b", b"from the end of a name")
class P(Plugin, AsyncEvents):
    async_events = ("a", "b", "c")
    def start_async(self, handler):
        P.handler = handler
        handler.emit(Name("a"), b"a")
        handler.emit("c", b"c")
        handler.emit("b", b"b")
        handler.emit("c", b"c")
"""


@pytest.mark.host
@pytest.mark.parametrize("source", [("--nodriver",), ("--pump", 200)])
def test_an_event_far_ahead_does_not_hold_back_the_other_plugins(
    plughost: Plughost, write_plugin: WritePlugin, source: tuple[str, ...]
) -> None:
    """A7"""
    answer = plughost.raw(
        *source, "--plugin", write_plugin(AHEAD, "ahead").library,
        "--plugin", write_plugin(BEAT, "beating").library, "--secs", 10, "--events", 60,
        "--metrics",
    )  # fmt: skip
    cycle = answer["cycles"][0]
    assert cycle["async"]["late"]["count"] == 1
    assert cycle["async"]["beat"]["count"] > 30
    metrics = {k.partition(".")[2]: v for k, v in cycle["metrics"]["ahead"].items()}
    assert (metrics["async_emitted"], metrics["async_sent"]) == (4, 1)
    assert (metrics["async_held"], metrics["async_waiting"]) == (3, 3)


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_they_come_when_they_are_due(drive: Drive, write_plugin: WritePlugin) -> None:
    """A7"""
    author = write_plugin(SOON)
    options = {"source": ("--nodriver",)} if drive.name == "plughost" else {}
    out = drive(author, limit=4 if drive.name != "plughost" else 12, **options)
    assert [d.split()[0] for d in out.data] == [b"0", b"100", b"200", b"300"]
    begun = int(out.data[0].split()[1])
    assert [e.ts_ns for e in out.events] == [begun + n * 100_000_000 for n in range(4)]
    assert time.time_ns() >= begun + 300_000_000


def test_so_many_can_wait_and_a_hook_is_told_that_there_is_no_room(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A7, A8"""
    out = plughost(write_plugin(FULL), limit=1)
    assert out.data == [b"16384 ring_full"]
    assert out.metrics["async_held"] == 16384


def test_in_process_what_waits_is_discarded_when_the_capture_closes(
    write_plugin: WritePlugin,
) -> None:
    """A7"""
    with start_plugin(write_plugin(AHEAD).plugin) as running:
        assert running.next_event().data == b"now"
        handler = running.plugin.handler
        assert handler.counters[:3] == (4, 1, 1)
    assert handler.counters.discarded == 3


@pytest.mark.drivers("in_process", "runner")
@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("refused", b"3 emit_many emitted 3 before it)"),
        ("raises", b"['emit_many emitted 3 before it']"),
    ],
)
def test_a_batch_that_ends_early_tells_how_many_went_out(
    drive: Drive, write_plugin: WritePlugin, config: str, told: bytes
) -> None:
    """A4"""
    out = drive(write_plugin(MANY), config, limit=4)
    assert out.data == [b"1", b"2", b"3", told]


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_an_emission_within_the_end_of_a_name_leaves_the_names_of_others_alone(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A4"""
    out = drive(write_plugin(WRONG_NAME), limit=5)
    assert sorted((e.type, e.data) for e in out.events) == [
        ("a", b"a"), ("b", b"b"), ("b", b"from the end of a name"), ("c", b"c"), ("c", b"c"),
    ]  # fmt: skip
