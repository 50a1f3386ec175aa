# SPDX-License-Identifier: Apache-2.0
"""dump_state, and reading what was recorded: by both hosts, and by falcokit's own reader.

How a plugin with an event source of its own finds its state again is in test_dump_replay.py.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from author import plugin
from drivers import RunnerDrive

from falcokit.capture import open_capture
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Call, WritePlugin
    from drivers import Plughost, Sysdig

DUMPING = plugin("dump_state_all")
ANSWERING = """
class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("ping", "pong")
    parse_event_types = (402,)
    def start_async(self, handler):
        self.answer = handler
        for n in range(3):
            handler.emit("ping", str(n))
    def parse_event(self, event):
        if event.name == "ping":
            self.answer.emit("pong", event.data)
"""
STATE = [str(n).encode() for n in range(10)] + [b"timed", b"many"]
REPLAYED = "parsed " + " ".join(f"{n}/syscall" for n in range(10))


def _check(file: Path, begun: int) -> None:
    """The file begins with the state: its time is that of the dump, its id as it was given."""
    with open_capture(file) as capture:
        state = [e for e in capture if e.async_name == "state"]
    assert [e.data for e in state] == STATE
    assert [e.plugin_id for e in state] == [0] * 10 + [999, 0]
    assert (state[10].ts_ns, state[10].tid) == (77, 5)
    times = [e.ts_ns or 0 for e in state if e.ts_ns != 77]
    assert times == sorted(times)
    assert begun <= times[0] <= times[-1] <= time.time_ns()
    assert all(e.leading for e in state)


@pytest.mark.parametrize("config", ["", "while working"])
def test_the_runner_records_the_state_first(
    write_plugin: WritePlugin, tmp_path: Path, config: str
) -> None:
    """A9"""
    begun, file = time.time_ns(), tmp_path / "out.scap"
    out = RunnerDrive()(write_plugin(DUMPING), config, limit=2, record=file)
    _check(file, begun)
    assert out.data == [b"t", b"t"]
    assert not out.said("parsed")  # dumped events are written, not delivered


@pytest.mark.host
@pytest.mark.parametrize("config", ["", "while working"])
def test_libsinsp_records_the_state_first(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path, config: str
) -> None:
    """A9"""
    begun = time.time_ns()
    out = plughost(write_plugin(DUMPING), config, limit=2)
    _check(tmp_path / "plughost.scap", begun)
    assert out.data == [b"t", b"t"]


@pytest.mark.host
def test_sysdig_records_the_state_and_replays_it(
    sysdig: Sysdig, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A9, A10"""
    author, begun, file = write_plugin(DUMPING), time.time_ns(), tmp_path / "out.scap"
    sysdig.raw(*sysdig.beside(author), "-n", 2, "-w", file, "evt.type=tick")
    _check(file, begun)
    baseline = sysdig.beside(author)[1]
    _, said, _ = sysdig.raw("-H", baseline, "-H", author.library, "-r", file)
    assert said.count("parsed state") == len(STATE)
    assert "start_async" not in said


@pytest.mark.host
def test_libsinsp_replays_the_state_before_the_capture_opens_and_starts_nothing(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A9, A10"""
    author, file = write_plugin(DUMPING), tmp_path / "out.scap"
    RunnerDrive()(author, limit=2, record=file)
    answer = plughost.raw("--plugin", author.library, "--scap", file, "--log", "--metrics")
    assert any(line.startswith(f"conform: {REPLAYED}") for line in answer["log"])
    assert "start_async" not in answer["stderr"]
    # The one with the id of a source that is not loaded is not parsed.
    assert answer["stderr"].count("parsed state") == len(STATE) - 1
    metrics = answer["cycles"][0]["metrics"]["conform"]
    assert metrics["conform.async_emitted"] == metrics["conform.async_delivered"] == 0


def test_in_process_the_state_is_a_list_of_events(write_plugin: WritePlugin) -> None:
    """A9"""
    begun = time.time_ns()
    with start_plugin(write_plugin(DUMPING).plugin, "while working") as running:
        state = running.dump_state()
    assert [e.data for e in state] == STATE
    assert [e.plugin_id for e in state] == [0] * 10 + [999, 0]
    assert (state[10].ts_ns, state[10].tid) == (77, 5)
    assert all(begun <= (e.ts_ns or 0) for e in state if e.ts_ns != 77)


def test_an_error_in_dump_state_is_logged_with_its_line_and_no_failure(
    write_plugin: WritePlugin, call: Call
) -> None:
    """A9, B12"""
    author = write_plugin(DUMPING)
    lines = call(author, "i:fail", "D", "e", "h", "w:1", "D", "n", "d")
    assert [line for line in lines if line[0] == "D"] == ["D 0", "D 0"]
    told = f"{author.at('nothing to dump')}: dump_state: ValueError: nothing to dump"
    assert f"e {told}" in lines
    assert lines.count(f"log 0 - {told} error") == 2


def test_a_dump_works_before_during_and_after_a_capture(
    write_plugin: WritePlugin, call: Call
) -> None:
    """A9"""
    lines = call(write_plugin(DUMPING), "i:", "D", "h", "w:13", "D", "n", "D", "d")
    assert [line for line in lines if line[0] == "D"] == ["D 0"] * 3


def test_the_handler_of_a_dump_is_dead_after_it(write_plugin: WritePlugin, call: Call) -> None:
    """A9, A4"""
    author = write_plugin("""
        class P(Plugin, AsyncEvents):
            async_events = ("state",)
            def start_async(self, handler):
                try:
                    self.dumper.emit("state", b"late")
                except falcokit.CaptureClosedError as e:
                    self.log.warning("dead: %s", e.reason)
            def dump_state(self, handler): self.dumper = handler
    """)
    assert "log 0 - dead: capture_closed warning" in call(author, "i:", "D", "h", "n", "d")


@pytest.mark.host
def test_emission_while_a_file_is_replayed_is_refused_and_logged_once(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A10, A4"""
    author, file = write_plugin(ANSWERING), tmp_path / "out.scap"
    RunnerDrive()(author, limit=6, record=file)
    answer = plughost.raw("--plugin", author.library, "--scap", file, "--log")
    where = author.at("self.answer.emit")
    told = {line: n for line, n in answer["log"].items() if where in line}
    assert list(told.values()) == [1]
    assert "AttributeError" in next(iter(told))
    assert "error" not in answer
