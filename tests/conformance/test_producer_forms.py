# SPDX-License-Identifier: Apache-2.0
"""Decorated producers in all their forms: what they give, what their errors do to the others."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import Call, WritePlugin
    from drivers import Drive

FORMS = plugin("producer_forms")
GIVEN = {
    "plain": ["plain 1", "plain 2", "plain 3"],
    "generator": [
        "bytes", "str é", '{"json":[1,2.5,null,"x"]}', "bytearray", "memoryview",
    ],
    "generator_every": ["1", "2", "3"],
    "coroutine": ["once"],
    "coroutine_every": ["1", "2", "3"],
    "async_generator": ["0", "1", "2"],
    "async_generator_every": ["0", "1", "2"],
    "extra": ["another name"],
    "object": ['{"with":"a time"}'],
}  # fmt: skip
FAILING = plugin("producer_failures")
STUCK = """
class P(Plugin, AsyncEvents):
    released = False
    @async_event("one", every=0.001)
    def produce(self):
        while not P.released:
            time.sleep(0.001)
    def set_config(self, config): P.released = True
"""
TIMING = plugin("producer_pauses")


def test_every_form_gives_its_events_in_order(drive: Drive, write_plugin: WritePlugin) -> None:
    """A12"""
    out = drive(write_plugin(FORMS), limit=sum(map(len, GIVEN.values())))
    by_name: dict[str, list[str]] = {}
    for event in out.events:
        by_name.setdefault(event.type, []).append(event.data.decode())
    if drive.name == "sysdig":  # prints two dots for what is no ASCII
        by_name["generator"][1] = by_name["generator"][1].replace("..", "é")
    assert by_name == GIVEN


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_an_error_is_logged_once_with_its_line_and_the_others_go_on(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """B12"""
    author = write_plugin(FAILING)
    out = drive(author, limit=120)
    seen = Counter(e.type for e in out.events)
    assert seen["fine"] > 10
    assert seen["fine_too"] > 10
    assert (seen["generator"], seen["generator_every"]) == (1, 1)
    assert (seen["async_generator"], seen["async_generator_every"]) == (1, 1)
    forms = ("plain", "generator", "generator_every", "coroutine", "coroutine_every",
             "async_generator", "async_generator_every")  # fmt: skip
    for form in forms:
        where = author.at(f'ValueError("{form} fails")')
        told = out.said(f"{where}: producer of '{form}': ValueError: {form} fails")
        assert len(told) == 1, (form, out.logs)
    assert len(out.said("producer of 'exiting': SystemExit: exiting fails")) == 1
    assert len(out.said("nobody_declared_it")) == 1
    assert len([log for log in out.said("object") if "JSON" in log.text or "Encoding" in log.text
                or "unsupported" in log.text]) == 1, out.logs  # fmt: skip


def test_the_interval_holds_and_stop_does_not_wait_for_it(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A12"""
    out = drive(write_plugin(TIMING), limit=5)
    times = [float(data) for data in out.data]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert abs(sum(gaps) / len(gaps) - 0.05) < 0.02
    if drive.name == "runner":
        closed = next(r for r in out.raw if r["report"] == "closed")
        assert closed["close_ms"] < 200
        assert out.said("cancelled")
    if drive.name == "plughost":
        assert out.raw["cycles"][0]["close_ms"] < 200


def test_a_producer_that_does_not_end_is_named_with_its_line(
    write_plugin: WritePlugin, call: Call
) -> None:
    """A3, A12"""
    author = write_plugin(STUCK)
    lines = call(author, "i:", "h", "n", "c:", "h", "n", "d")
    text = "\n".join(lines)
    where = author.at("time.sleep(0.001)").rpartition(":")[0]
    assert "stop_async: the producer of one is still at " + where in text
    assert "4 s after it was asked to stop" in text
    assert [line for line in lines if line[0] in "hn"] == ["h 0", "n 0", "h 0", "n 0"]


STRAY = plugin("producer_stray_exit")


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_stray_exit_on_the_event_loop_ends_its_task_alone(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """B12"""
    author = write_plugin(STRAY)
    out = drive(author, limit=20)
    assert not out.error
    assert [e.data for e in out.events if e.type == "exiting"] == [b"0", b"1", b"2"]
    assert sum(e.type == "other" for e in out.events) == 17
    where = author.at('sys.exit("away")')
    told = f"{where}: a task of the async producers: SystemExit: away"
    assert out.said(f"{told}\n  the task has ended, and the producers go on")
    assert out.said("a task of the async producers: SystemExit: called back")


SEVERAL = plugin("producer_several")
SEVERAL_GIVEN = {
    "list": ["1", "2", '{"three":3}'],
    "tuple": ["[1,2]", "[3,4]"],
    "pair": ["[1,2]"],
    "iterator": ["0", "1", "2"],
    "generator": ["0", "1", "2"],
    "yielded": ["1", "2"],
    "waiting": ["1", "2"],
    "async_list": ["1"],
    "async_generator": ["0", "1", "2"],
    "async_yielded": ["1", "2", "3", "4"],
    "bad": ["before", "after"],
    "endless": ["endless"],
}  # fmt: skip


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_list_or_an_iterator_is_several_events(drive: Drive, write_plugin: WritePlugin) -> None:
    """A12"""
    author = write_plugin(SEVERAL)
    config = {"times": {"often_s": 0.001}}
    out = drive(author, config, limit=sum(map(len, SEVERAL_GIVEN.values())) + 3)
    by_name: dict[str, list[str]] = {}
    for event in out.events:
        by_name.setdefault(event.type, []).append(event.data.decode())
    assert sorted(by_name.pop("other")) == ["async", "list", "tuple"]
    assert by_name == SEVERAL_GIVEN
    assert out.said("the generator has been closed")
    (log,) = out.said("Error")
    assert log.text.startswith(f"{author.file}:")
    assert "producer of 'bad': InvalidEventError" in log.text


SLEEPING = plugin("producer_sleeping")


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_what_sleeps_ends_with_the_capture_and_without_an_error(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A12"""
    out = drive(write_plugin(SLEEPING), limit=10)
    logs = [log.text for log in out.logs]
    kinds = sorted(event.data.decode() for event in out.events)
    assert f"ended: {', '.join(kinds)}" in logs
    if drive.name == "plughost":
        assert out.raw["cycles"][0]["close_ms"] < 1000
    else:
        assert len(logs) == 1
