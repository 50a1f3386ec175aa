# SPDX-License-Identifier: Apache-2.0
"""The example that the project began with: ten lines, one event named sample_async every 100 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Drive, Plughost

SAMPLE = """
class P(Plugin, AsyncEvents):
    async_events = ("sample_async",)

    def start_async(self, handler):
        self.task = BackgroundTask.spawn(lambda: handler.emit("sample_async", b"hello"), every=0.1)

    def stop_async(self):
        self.task.stop()
"""
# Its work ends slowly: what stop does not wait for would run on.
SLOW = plugin("seed_slow")


def test_ten_lines_emit_the_sample_event_every_100_ms(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A1, A12"""
    out = drive(write_plugin(SAMPLE), limit=4)
    assert not out.error
    assert [e.type for e in out.events] == ["sample_async"] * 4
    assert out.data == [b"hello"] * 4
    assert {e.source for e in out.events} == {drive.source}
    assert {e.tid for e in out.events} == {None}


@pytest.mark.host
def test_it_runs_without_any_event_source(plughost: Plughost, write_plugin: WritePlugin) -> None:
    """A2"""
    out = plughost(write_plugin(SAMPLE), limit=6, source=("--nodriver",))
    assert out.data.count(b"hello") >= 2
    assert {e.source for e in out.events} == {"syscall"}


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_stop_waits_for_the_producer(drive: Drive, write_plugin: WritePlugin) -> None:
    """A3"""
    out = drive(write_plugin(SLOW), limit=2)
    assert out.said("stopped while working: False")
    assert out.data == [b"hello"] * 2


def test_a_capture_that_is_opened_again_starts_it_again_in_the_runner(
    write_plugin: WritePlugin,
) -> None:
    """A3"""
    from drivers import RunnerDrive

    out = RunnerDrive()(write_plugin(SLOW), limit=2, cycles=3)
    assert out.data == [b"hello"] * 6
    assert len(out.said("stopped while working: False")) == 3


@pytest.mark.host
def test_a_capture_that_is_opened_again_starts_it_again_in_libsinsp(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A3"""
    answer = plughost.raw(
        "--plugin", write_plugin(SLOW).library, "--pump", 200, "--events", 2, "--secs", 10,
        "--cycles", 3, "--log",
    )  # fmt: skip
    assert [c["async"]["sample_async"]["count"] for c in answer["cycles"]] == [2, 2, 2]
    assert answer["log"]["conform: stopped while working: False"] == 3
