# SPDX-License-Identifier: Apache-2.0
"""Floods: nothing is lost without `direct`, what is lost with it is known, a full ring waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from author import plugin
from drivers import InProcess, RunnerDrive

if TYPE_CHECKING:
    from conftest import Call, WritePlugin
    from drivers import Plughost

FLOOD = plugin("backpressure_flood")
DIRECT = """
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    def start_async(self, handler):
        for n in range(6000):
            handler.emit("tick", str(n), direct=True)
"""
FILLING = plugin("backpressure_filling")


@pytest.mark.host
@pytest.mark.once
@pytest.mark.parametrize("config", ["one", "many"])
def test_60_000_events_reach_libsinsp_in_order(
    plughost: Plughost, write_plugin: WritePlugin, config: str
) -> None:
    """A8"""
    answer = plughost.raw(
        "--plugin", write_plugin(FLOOD).library, "--init", config, "--pump", 0, "--secs", 30,
        "--events", 60_000, "--seq-data", "--metrics",
    )  # fmt: skip
    cycle = answer["cycles"][0]
    found = cycle["async_sequences"]
    assert found["received"] == 60_000
    assert (found["lost"], found["dup"], found["reordered"]) == (0, 0, 0)
    metrics = cycle["metrics"]["conform"]
    assert metrics["conform.async_delivered"] == metrics["conform.async_emitted"] == 60_000
    assert metrics["conform.async_lost"] == metrics["conform.async_unconfirmed"] == 0


def test_60_000_events_reach_the_runner_in_order(write_plugin: WritePlugin) -> None:
    """A8"""
    out = RunnerDrive()(write_plugin(FLOOD), "many", limit=60_000, seconds=30)
    numbers = [int.from_bytes(data[12:20], "little") for data in out.data]
    assert numbers == list(range(60_000))
    assert out.metrics["async_delivered"] == 60_000
    assert out.metrics["async_lost"] == 0


def test_a_flood_in_process_arrives_in_order(write_plugin: WritePlugin) -> None:
    """A8"""
    # In process emit_many is an emit for each; "one" would go on to its last event before it stops.
    out = InProcess()(write_plugin(FLOOD), "many", limit=5000)
    numbers = [int.from_bytes(data[12:20], "little") for data in out.data]
    assert numbers == list(range(5000))


def test_direct_events_may_be_lost_and_their_number_is_known(write_plugin: WritePlugin) -> None:
    """A8"""
    out = RunnerDrive()(write_plugin(DIRECT), limit=4096, stats_ms=1000)
    stats = [r for r in out.raw if r["report"] == "stats"][-1]
    assert stats["dropped"] == {"queue_full": 6000 - 4096}
    assert stats["async"]["tick"]["count"] == 4096
    assert out.metrics["async_emitted"] == out.metrics["async_sent"] == 6000
    assert out.metrics["async_delivered"] == 4096
    assert out.metrics["async_lost"] == 6000 - 4096


@pytest.mark.host
@pytest.mark.once
def test_libsinsp_loses_direct_events_too(plughost: Plughost, write_plugin: WritePlugin) -> None:
    """A8"""
    answer = plughost.raw(
        "--plugin", write_plugin(DIRECT).library, "--pump", 0, "--events", 4096, "--secs", 10,
        "--metrics", "--log",
    )  # fmt: skip
    assert answer["cycles"][0]["async"]["tick"]["count"] == 4096
    assert any("async" in line and "full" in line for line in answer["log"]), answer["log"]
    counted = answer["cycles"][0]["metrics"]["conform"]
    assert (counted["conform.async_delivered"], counted["conform.async_lost"]) == (4096, 1904)


def test_a_producer_waits_while_the_ring_is_full_and_stop_lets_it_go(
    write_plugin: WritePlugin, call: Call
) -> None:
    """A8"""
    lines = call(write_plugin(FILLING), "i:", "h", "q:1", "n", "d")
    text = "\n".join(lines)
    emitted, sent = map(int, re.findall(r"emitted (\d+) sent (\d+)", text)[0])
    assert 1 <= emitted <= 2**20 / 10_000 + 2
    assert sent == 1
    assert "let go: the capture of plugin 'conform' is clos" in text
    total, delivered, discarded, undelivered = map(
        int, re.findall(r"(\d+) = (\d+) \+ (\d+) \+ (\d+)", text)[0]
    )
    assert total == delivered + discarded + undelivered
    assert (delivered, undelivered) == (0, 1)


def test_all_of_them_come_when_the_host_takes_them(write_plugin: WritePlugin, call: Call) -> None:
    """A8"""
    lines = call(write_plugin(FILLING), "i:", "h", "w:1000", "n", "d")
    assert "w 1" in lines
    assert "log 0 - emitted 1000 sent 1000 warning" in lines
    assert "log 0 - 1000 = 1000 + 0 + 0 warning" in lines
