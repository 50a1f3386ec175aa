# SPDX-License-Identifier: Apache-2.0
"""Emission: from where it may come, into which source it goes, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from drivers import InProcess, RunnerDrive

from falcokit.capture import open_capture

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Baseline, Call, WritePlugin
    from drivers import Drive, Plughost, Sysdig

TEN = """
class P(Plugin, AsyncEvents):
    async_events = ("tick", "told")
    def start_async(self, handler):
        for n in range(10):
            handler.emit("tick", str(n))
        try:
            handler.emit("nope", b"x")
        except falcokit.UndeclaredEventError as e:
            handler.emit("told", f"{e.reason} {e}")
        handler.emit("told", str(handler.counters.refused))
"""
THREAD_OF_ONE = """
class P(Plugin, AsyncEvents):
    async_events = ("tick", "tock")
    def start_async(self, handler):
        handler.emit("tick", b"hello", tid=1)
"""
TOLD = """
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    {more}
    def start_async(self, handler):
        self.emitted = 0
        self.handler = handler
        self.task = BackgroundTask()
        self.task.start(self.work)
    def work(self):
        while self.task.should_keep_running(0.001):
            try:
                self.handler.emit("tick", b"with", {tid})
            except falcokit.EventRefusedError as e:
                if not self.emitted:
                    self.log.warning("refused: %s", e)
            self.emitted += 1
            if self.emitted == 50:
                self.log.warning("the producer lives")
            {after}
    def stop_async(self): self.task.stop()
"""
SPEAKING = """
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    def start_async(self, handler):
        handler.emit("tick", {"city": "Köln \\U0001f40d"})
"""
PARSING = """
class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("ping", "pong")
    parse_event_types = (402,)
    def start_async(self, handler):
        self.handler = handler
        handler.emit("ping", b"1")
    def parse_event(self, event):
        if event.name == "ping":
            self.handler.emit("pong", f"{event.data.decode()} {event.type} {event.source}")
"""
THREADS = plugin("emission_threads")
LATE = plugin("emission_late")


def test_ten_events_arrive_and_an_undeclared_name_is_refused(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A1"""
    out = drive(write_plugin(TEN), limit=12)
    assert [e.type for e in out.events] == ["tick"] * 10 + ["told"] * 2
    assert out.data[:10] == [str(n).encode() for n in range(10)]
    text = out.data[10].decode()
    assert text.startswith("undeclared_name async event 'nope' is not declared")
    assert out.data[11] == b"{'undeclared_name': 1}"
    numbers = [e.number for e in out.events]
    assert numbers == sorted(set(numbers))


@pytest.mark.host
def test_without_a_driver_the_source_is_syscall_and_a_thread_may_be_named(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A2"""
    out = plughost(write_plugin(THREAD_OF_ONE), limit=1, source=("--nodriver",))
    assert [(e.type, e.tid, e.source) for e in out.events] == [("tick", 1, "syscall")]


@pytest.mark.host
@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("evt.type=tick", 1),
        ("evt.type=tock", 0),
        ("evt.type=asyncevent", 0),
        ("evt.asynctype=tick", 1),
        ("evt.asynctype startswith ti", 1),
        ("evt.is_async=true", 1),
        ("evt.is_async=false", 0),
        ("evt.source=syscall", 1),
    ],
)
def test_rules_find_an_event_by_its_name(
    plughost: Plughost, write_plugin: WritePlugin, expression: str, count: int
) -> None:
    """A2"""
    answer = plughost.raw(
        "--plugin", write_plugin(THREAD_OF_ONE).library, "--pump", 200, "--filter", expression,
        "--secs", 0.15, "--events", 1,
    )  # fmt: skip
    seen = answer["cycles"][0].get("async", {}).get("tick", {"count": 0})["count"]
    assert seen == count


@pytest.mark.host
def test_a_rule_with_a_name_that_nobody_declared_is_refused(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A2"""
    answer = plughost.raw(
        "--plugin", write_plugin(THREAD_OF_ONE).library, "--pump", 200, "--secs", 0.1,
        "--filter", "evt.type=nobody_declared_it",
    )  # fmt: skip
    assert "nobody_declared_it" in answer["error"]


def test_json_is_shown_whole_in_a_rules_output(drive: Drive, write_plugin: WritePlugin) -> None:
    """E4: a host shows bytes that are not ASCII as dots."""
    out = drive(write_plugin(SPEAKING), limit=1)
    assert out.data == [b'{"city":"K\\u00f6ln \\ud83d\\udc0d"}']


def test_events_emitted_while_parsing_come_after_it(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A4"""
    out = drive(write_plugin(PARSING), limit=2)
    assert [(e.type, e.data) for e in out.events] == [
        ("ping", b"1"),
        ("pong", f"1 402 {drive.source}".encode()),
    ]


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_eight_threads_emit_and_each_keeps_its_order(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A4"""
    out = drive(write_plugin(THREADS), limit=4000)
    by_thread: dict[str, list[int]] = {}
    for data in out.data:
        who, number = data.decode().split()
        by_thread.setdefault(who, []).append(int(number))
    assert by_thread == {str(who): list(range(500)) for who in range(8)}


def test_a_handler_is_dead_after_its_capture(write_plugin: WritePlugin, call: Call) -> None:
    """A4"""
    lines = call(write_plugin(LATE), "i:", "h", "w:1", "n", "h", "w:2", "g", "n", "d")
    first, second = [bytes.fromhex(line[2:])[47:] for line in lines if line[0] == "g"]
    assert first == b"first"
    assert second.startswith(b"capture_closed the capture of plugin 'conform' is closed")
    assert "log 0 - refused in destroy: {'capture_closed': 2} warning" in lines


@pytest.mark.drivers("runner", "plughost")
def test_a_producer_that_outlives_its_capture_harms_nobody(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A4, A11"""
    endless = TOLD.replace("{more}", "").replace("{after}", "").replace("{tid}", "")
    out = drive(write_plugin(endless.replace("self.task.stop()", "pass")), limit=3)
    assert out.data == [b"with"] * 3
    assert not out.error


@pytest.mark.host
def test_events_get_the_id_of_the_source_that_is_open(
    sysdig: Sysdig, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A6"""
    file = tmp_path / "out.scap"
    sysdig.raw(*sysdig.beside(write_plugin(TEN)), "-n", 12, "-w", file, "evt.type in (tick, told)")
    with open_capture(file) as capture:
        ids = [e.plugin_id for e in capture if e.async_name in {"tick", "told"}]
    assert ids == [999] * 12


def test_the_runner_gives_the_id_of_the_source_too(
    write_plugin: WritePlugin, baseline: Baseline
) -> None:
    """A6"""
    out = RunnerDrive()(
        write_plugin(TEN), limit=12, beside=(baseline.source,), source="baseline",
        open_params="0,1,8,5000",
    )  # fmt: skip
    events = [r for r in out.raw if r["report"] == "event" and r["code"] == 402]
    assert {(e["plugin_id"], e["source"]) for e in events} == {(999, "baseline_src")}
    assert len(events) >= 12


def _refused(write_plugin: WritePlugin, more: str, tid: str) -> str:
    return TOLD.replace("{more}", more).replace("{tid}", tid).replace("{after}", "")


@pytest.mark.host
def test_a_thread_id_is_refused_where_a_plugins_source_is_open(
    sysdig: Sysdig, write_plugin: WritePlugin
) -> None:
    """A6"""
    text = _refused(write_plugin, "", "tid=7 if self.emitted < 50 else None")
    out = sysdig(write_plugin(text), limit=1)
    assert out.data == [b"with"]  # the producer lives on


def test_in_process_a_thread_id_is_refused_there_too(write_plugin: WritePlugin) -> None:
    """A6"""
    text = _refused(write_plugin, "", "tid=7 if self.emitted < 50 else None")
    out = InProcess("baseline_src", 999)(write_plugin(text), limit=1)
    assert out.data == [b"with"]
    assert out.said("async events of event source 'baseline_src' can have no thread id")


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_source_that_was_not_asked_for_refuses_each_event_and_the_producer_lives(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A6"""
    text = _refused(write_plugin, 'async_event_sources = ("another_source",)', "")
    out = drive(write_plugin(text), seconds=0.6)
    assert not out.error
    assert not out.events
    told = out.said("refused: ")
    assert len(told) == 1
    assert "not compatible with " in told[0].text
    assert out.said("the producer lives")
    if drive.name != "in_process":
        assert out.metrics["async_refused"] >= 50
