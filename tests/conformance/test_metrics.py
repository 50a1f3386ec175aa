# SPDX-License-Identifier: Apache-2.0
"""Metrics: types, kinds, names, and being asked from several threads at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import Call, WritePlugin
    from drivers import Drive, Plughost

TYPES = plugin("metrics_types")
BUSY = """
class P(Plugin, AsyncEvents):
    async_events = ("one",)
    count = 0
    @async_event("one")
    def produce(self):
        while True:
            self.count += 1
            yield b"x" * 40
    def get_metrics(self):
        return [Metric("count", self.count), Metric("share", 0.5, "double", monotonic=False)]
"""
WRONG = plugin("metrics_wrong")


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_all_seven_value_types_arrive(drive: Drive, write_plugin: WritePlugin) -> None:
    """B9"""
    metrics = drive(write_plugin(TYPES)).metrics
    own = {k: v for k, v in metrics.items() if not k.startswith("async_")}
    if drive.name == "plughost":  # its JSON has six digits
        own["double"] = round(own["double"], 6)
    assert own == {
        "u32": 2**32 - 1,
        "s32": -(2**31),
        "u64": 2**64 - 1,
        "s64": -(2**63),
        "double": 0.1,
        "float": 0.5,
        "int": -7,
        "load": 0.75,
        "whole": 3,
    }


@pytest.mark.drivers("runner", "plughost")
def test_the_counters_of_delivery_come_with_the_metrics(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """B9"""
    metrics = drive(write_plugin(TYPES)).metrics
    assert metrics["async_emitted"] == metrics["async_sent"] == metrics["async_delivered"] == 1
    assert metrics["async_lost"] == metrics["async_refused"] == metrics["async_discarded"] == 0
    assert 0 < metrics["async_delivery_p50_us"] <= metrics["async_delivery_p99_us"] < 60_000_000


@pytest.mark.host
def test_the_framework_puts_the_plugins_name_before_each(
    plughost: Drive, write_plugin: WritePlugin
) -> None:
    """B9"""
    cycle = plughost(write_plugin(TYPES)).raw["cycles"][0]
    assert "conform.u32" in cycle["metrics"]["conform"]


def test_several_threads_ask_while_events_are_emitted(
    write_plugin: WritePlugin, call: Call
) -> None:
    """B9"""
    lines = call(write_plugin(BUSY), "i:", "h", "w:100", "M:4", "n", "d")
    assert lines == ["i 0", "h 0", "w 1", "M faults 0", "n 0", "d"]


@pytest.mark.drivers("runner", "plughost")
@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("too large", "metric 'bad': 4294967296 does not fit u32"),
        ("negative", "metric 'bad': -1 does not fit u64"),
        ("not whole", "metric 'bad': u64 needs a whole number, not 0.75"),
        ("no int", "metric 'bad': int needs a whole number, not 0.75"),
        ("unknown type", "metric 'bad': unknown type 'u8'"),
        ("text", "get_metrics: ValueError"),
        ("name", "metric 'nul\\x00'"),
        ("no metric", "get_metrics: AttributeError"),
    ],
)
def test_a_metric_that_does_not_fit_its_type_is_logged(
    drive: Drive, write_plugin: WritePlugin, metric: str, text: str
) -> None:
    """B9, B12"""
    author = write_plugin(WRONG)
    out = drive(author, metric)
    (told,) = out.said(text)
    if "whole" in text:
        assert told.text.startswith(author.at(f'"{metric}": lambda') + ": get_metrics: ")
    assert "bad" not in out.metrics
    assert out.metrics["async_emitted"] == 1


@pytest.mark.host
@pytest.mark.parametrize("metric", ["negative", "failing"])
def test_an_error_is_logged_once_however_often_metrics_are_asked_for(
    plughost: Plughost, write_plugin: WritePlugin, metric: str
) -> None:
    """B9, B12"""
    author = write_plugin(WRONG)
    answer = plughost.raw(
        "--plugin", author.library, "--init", metric, "--pump", 200, "--events", 1, "--metrics",
        "--cycles", 4, "--log",
    )  # fmt: skip
    place = author.at("lambda: 1 / 0" if metric == "failing" else "def get_metrics")
    told = {log: n for log, n in answer["log"].items() if "get_metrics" in log}
    assert list(told.values()) == [1], told
    assert f"{place}: get_metrics: " in next(iter(told))
