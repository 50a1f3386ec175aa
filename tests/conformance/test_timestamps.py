# SPDX-License-Identifier: Apache-2.0
"""Timestamps: the host's, one's own in the past and in the future, and beside a quiet source."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from drivers import Outcome, Plughost

if TYPE_CHECKING:
    from author import Author
    from conftest import WritePlugin
    from drivers import Drive

PAST = """
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    def start_async(self, handler):
        now = time.time_ns() - 10**10
        for later in (30, 10, 20):
            handler.emit("tick", f"{later} {now + later}", ts_ns=now + later)
"""
PLAIN = """
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    def start_async(self, handler):
        for data in ("none", "minus one"):
            handler.emit("tick", data, ts_ns=None if data == "none" else -1)
"""
FUTURE = """
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    def start_async(self, handler):
        for ahead in ({ahead}):
            try:
                handler.emit("tick", b"never", ts_ns=ahead)
            except falcokit.InvalidEventError as e:
                handler.emit("tick", f"{e.reason}: {e}")
        handler.emit("tick", str(handler.counters.refused))
"""
QUIET = """
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    @async_event("tick")
    def produce(self):
        for n in range(5):
            yield AsyncEvent("tick", str(n), ts_ns=time.time_ns() {ahead})
            time.sleep(0.01)
"""


def test_without_a_timestamp_the_host_assigns_one(drive: Drive, write_plugin: WritePlugin) -> None:
    """A7"""
    begun = time.time_ns()
    out = drive(write_plugin(PLAIN), limit=2)
    assert out.data == [b"none", b"minus one"]
    # The host may take that of its last event; sysdig's was fetched before ours.
    assert all(begun - 10**7 <= (e.ts_ns or 0) <= time.time_ns() for e in out.events)


def _all_three(drive: Drive, author: Author) -> Outcome:
    if isinstance(drive, Plughost):  # its usual source is a quiet one: see below
        return drive(author, limit=3, source=("--nodriver",))
    return drive(author, limit=3)


def test_a_timestamp_in_the_past_is_kept(drive: Drive, write_plugin: WritePlugin) -> None:
    """A7"""
    out = _all_three(drive, write_plugin(PAST))
    assert [e.ts_ns for e in out.events] == [int(data.split()[1]) for data in out.data]
    assert sorted(data.split()[0] for data in out.data) == [b"10", b"20", b"30"]


@pytest.mark.drivers("runner", "plughost", "sysdig")
def test_the_queue_gives_them_in_the_order_of_their_timestamps(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A7"""
    out = _all_three(drive, write_plugin(PAST))
    assert [data.split()[0] for data in out.data] == [b"10", b"20", b"30"]


def test_more_than_ten_seconds_ahead_is_refused_since_the_host_would_drop_it_in_silence(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A7"""
    ahead = "time.time_ns() + 10_100_000_000, 2**63"
    out = drive(write_plugin(FUTURE.replace("{ahead}", ahead)), limit=3)
    told = b"future_timestamp: ts_ns lies more than 10 s ahead"
    assert [data[: len(told)] for data in out.data] == [told, told, b"{'future_timestamp': 2}"]


@pytest.mark.drivers("in_process", "runner")
def test_what_is_no_timestamp_is_refused(drive: Drive, write_plugin: WritePlugin) -> None:
    """A7"""
    wrong = "-2, 2**64, 1.5, 'now'"
    out = drive(write_plugin(FUTURE.replace("{ahead}", wrong)), limit=5)
    shown = ["-2", "18446744073709551616", "1.5", "'now'"]
    assert out.data == [
        *(
            f"invalid_data: ts_ns is an int from 0 to 2**64-1 or None, not {x}".encode()
            for x in shown
        ),
        b"{'invalid_data': 4}",
    ]


@pytest.mark.host
def test_beside_a_quiet_source_ones_own_time_waits_and_none_does_not(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A7"""
    own = plughost(write_plugin(QUIET.replace("{ahead}", "")), limit=5, seconds=0.4)
    assert 1 <= len(own.events) < 5
    assert own.metrics["async_unconfirmed"] == 5 - len(own.events)
    assert own.metrics["async_lost"] == 0
    none = plughost(write_plugin(QUIET.replace("{ahead}", "* 0 - 1")), limit=5)
    assert len(none.events) == 5


@pytest.mark.host
def test_a_source_that_goes_on_lets_them_through(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A7"""
    author = write_plugin(QUIET.replace("{ahead}", ""))
    out = plughost(author, limit=12, source=("--nodriver",))
    assert out.data == [b"0", b"1", b"2", b"3", b"4"]
    stamps = [e.ts_ns or 0 for e in out.events]
    assert stamps == sorted(stamps)
