# SPDX-License-Identifier: Apache-2.0
"""Opening and closing event sources: all ends, in time, and a source never holds the host up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from source_drivers import PlughostRead, RunnerRead

from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WritePlugin
    from drivers import Plughost
    from source_drivers import Read

ENDING = plugin("source_ends")
BLOCKING = plugin("source_blocking")
STUCK = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    def open(self, params):
        yield b"1"
        time.sleep(100)
"""
RAISING = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    def open(self, params):
        try:
            while True: yield b"x"
        finally:
            raise ValueError("the end was to fail")
    def close(self, instance):
        raise ValueError("close was to fail")
"""
TWICE = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    def init(self):
        self.queue = EventQueue()
    def open(self, params):
        self.queue.put(b"x")
        return self.queue
"""
OWN = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    number = 0
    def open(self, params: str):
        P.number += 1
        mine = P.number
        for i in range(2000): yield f"{mine} {i}"
"""


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ("generator", "steps ended"),
        ("full", "full ended"),
        ("idle", "idle ended"),
        ("async", "async ended, task cancelled: True"),
        ("queue", "queue ended"),
    ],
)
@pytest.mark.drivers("in_process", "runner", "plughost")
def test_what_gives_events_ends_with_the_capture(
    read: Read, write_plugin: WritePlugin, params: str, said: str
) -> None:
    """S3, A3"""
    out = read(write_plugin(ENDING), params, limit=1)
    assert out.error == ""
    assert out.data[:1] == [b"x"]
    assert len(out.said(said)) == 1, out.logs
    assert len(out.said("close of")) == 1
    assert not out.said("event source is still")


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_close_can_release_an_iterator_that_blocks(read: Read, write_plugin: WritePlugin) -> None:
    """S3: and the host is not held up by it: two events come although the third never does."""
    out = read(write_plugin(BLOCKING), limit=3, seconds=1.0)
    assert out.data == [b"1", b"2"]
    assert not out.eof
    assert not out.error
    assert not out.said("still at")


def test_an_iterator_that_does_not_end_is_left_behind_and_told(write_plugin: WritePlugin) -> None:
    """A3"""
    author = write_plugin(STUCK)
    out = RunnerRead()(author, limit=1)
    assert out.data == [b"1"]
    (log,) = out.said("the event source is still")
    assert f"at {author.at('time.sleep(100)')} in open, 4 s after it was asked to end" in log.text


@pytest.mark.drivers("runner", "plughost")
def test_what_fails_at_the_end_is_logged(read: Read, write_plugin: WritePlugin) -> None:
    """B12"""
    author = write_plugin(RAISING)
    out = read(author, limit=1)
    assert out.error == ""
    for said in ("the end was to fail", "close was to fail"):
        found = [log for log in out.said(said) if "Traceback" not in log.text]
        assert len(found) == 1, out.logs
        (log,) = found
        assert log.text == f"{author.at(said)}: close: ValueError: {said}"


@pytest.mark.host
def test_a_queue_serves_one_capture(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """S5"""
    out = PlughostRead(plughost, tmp_path)(
        write_plugin(TWICE), limit=1, options=("--cycles", 2), seconds=1
    )
    assert "the event source is closed, and takes no more events" in out.error
    with start_plugin(write_plugin(TWICE).plugin) as running:
        running.open().close()
        with pytest.raises(Exception, match="the event source is closed"):
            running.open()


@pytest.mark.host
def test_several_inspectors_read_sources_of_their_own(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A11: four states of one plugin in a process, on four threads."""
    author = write_plugin(OWN)
    answer = plughost.raw("--plugin", author.library, "--open", "", "--inspectors", 4)
    counts = [i["cycles"][0]["events"]["count"] for i in answer["inspectors"]]
    assert counts == [2000] * 4


@pytest.mark.host
def test_what_is_left_at_close_is_counted(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """S2"""
    author = write_plugin("""
        class P(Plugin, EventSource):
            plugin_id = 999
            event_source = "conform"
            def open(self, params: str):
                queue = EventQueue()
                queue.put_many([b"x"] * 5000)
                return queue
            def get_metrics(self):
                return [Metric("own", 7)]
    """)
    out = PlughostRead(plughost, tmp_path)(author, limit=10)
    assert out.metrics["own"] == 7
    # 4096 of the 5000 are the host's batch, of which it has read 10
    assert (out.metrics["source_events"], out.metrics["source_waiting"]) == (4096, 904)
    again = plughost.raw(
        "--plugin", author.library, "--open", "", "--events", 10, "--cycles", 2, "--metrics"
    )
    metrics = again["cycles"][1]["metrics"]["conform"]
    assert metrics["conform.source_discarded"] == 904
    assert metrics["conform.source_bytes"] == 2 * 4096 * 39


EXITING = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    async def open(self, params: str):
        for n in range(3):
            self.task = asyncio.create_task(self.away())
            await asyncio.sleep(0.001)
            yield str(n)
    async def away(self):
        sys.exit("away")
"""


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_stray_exit_beside_an_async_source_ends_its_task_alone(
    read: Read, write_plugin: WritePlugin
) -> None:
    """S3, B12"""
    author = write_plugin(EXITING)
    out = read(author)
    assert (out.error, out.eof, out.data) == ("", True, [b"0", b"1", b"2"])
    where = author.at('sys.exit("away")')
    told = out.said(f"{where}: a task of the event source: SystemExit: away")
    assert len(told) == 1
