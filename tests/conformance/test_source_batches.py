# SPDX-License-Identifier: Apache-2.0
"""What next_batch answers: partial batches with EOF and TIMEOUT, empty ones, EOF again and again,
events that the host writes into, sizes, and full queues."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from author import Author
    from conftest import CompileC, WritePlugin
    from drivers import Plughost
    from source_drivers import Read

_HERE = Path(__file__).parent

BATCHES = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    max_event_size = 100_000
    def open(self, params: str):
        queue = EventQueue()
        put = {"eof": [b"1", b"2"], "empty": [], "idle": [b"1"], "failed": [b"1"],
               "large": [b"1", bytes(100_000), bytes(100_001), "2"]}[params]
        queue.put_many(put)
        if params == "idle":
            queue.offer(None)
        elif params == "failed":
            queue.end("it was to fail")
        elif params != "empty":
            queue.end()
        return queue
"""
SIZES = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    max_event_size = 1000
    def open(self, params: str):
        for i in range(300):
            yield b"small"
            yield bytes(1001)
        yield bytes(100_000_000)
        yield bytes(1000)
"""
FULL = plugin("batches_full")
HOOK = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    def open(self, params: str):
        queue = EventQueue(10)
        try:
            queue.put_many([b"x"] * 11)
        except falcokit.QueueFullError as e:
            queue.end(f"{len(queue)}: {e}")
        return queue
"""
MANY = plugin("batches_many")


@pytest.fixture
def batches(compile_c: CompileC) -> Any:
    """Call open, next_batch and close themselves: rc and sizes of N calls."""
    program = compile_c("batches", [_HERE / "batches.c"])

    def calls(author: Author, params: str, count: int, *options: str) -> list[list[str]]:
        done = subprocess.run(
            [program, author.library, params, str(count), *options],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return [line.split(" ", 2) for line in done.stdout.splitlines()]

    return calls


@pytest.mark.parametrize(
    ("params", "answers"),
    [
        ("eof", [["2", "2"], ["2", "0"], ["2", "0"]]),
        ("idle", [["-1", "1"], ["-1", "0"], ["-1", "0"]]),
        ("empty", [["-1", "0"], ["-1", "0"], ["-1", "0"]]),
        ("failed", [["0", "1"], ["1", "0"], ["1", "0"]]),
        ("large", [["2", "3"], ["2", "0"], ["2", "0"]]),
    ],
)
def test_what_next_batch_answers(
    write_plugin: WritePlugin, batches: Any, params: str, answers: list[list[str]]
) -> None:
    """S3, S4, S7: EOF 2, TIMEOUT -1, SUCCESS 0, FAILURE 1; never a SUCCESS without events."""
    found = batches(write_plugin(BATCHES), params, 3)
    assert [line[:2] for line in found] == answers
    if params == "failed":
        assert found[2][2] == "it was to fail"


def test_the_host_may_write_into_events(write_plugin: WritePlugin, batches: Any) -> None:
    """S6: id, timestamp and thread id are filled in; what lies in the queue is not touched."""
    found = batches(write_plugin(FULL), "x", 0, "scribble")
    data = [line[2] for line in found if line[0] == "event"]
    assert data == [*map(str, range(20_000)), "taken 20000"]


def test_the_batches_of_the_in_process_driver_are_the_same(write_plugin: WritePlugin) -> None:
    """S3, S4, S7"""
    plugin = write_plugin(BATCHES).plugin
    seen = {}
    with start_plugin(plugin) as running:
        for params in ("eof", "idle", "empty"):
            with running.open(params) as source:
                seen[params] = [source.next_batch(timeout=0.01) for _ in range(3)]
        with running.open("failed") as source:
            assert [e.data for e in source.next_batch().events] == [b"1"]
            with pytest.raises(Exception, match="it was to fail"):
                source.next_batch()
    assert [[(b.result, len(b.events)) for b in batch] for batch in seen.values()] == [
        [("eof", 2), ("eof", 0), ("eof", 0)],
        [("timeout", 1), ("timeout", 0), ("timeout", 0)],
        [("timeout", 0), ("timeout", 0), ("timeout", 0)],
    ]


def test_an_event_above_the_limit_is_dropped_and_counted(
    read: Read, write_plugin: WritePlugin
) -> None:
    """S1"""
    out = read(write_plugin(SIZES))
    assert out.error == ""
    assert out.data == [b"small"] * 300 + [bytes(1000)]
    if read.name == "in_process":
        assert out.metrics["source_dropped"] == 301
    elif read.name != "sysdig":
        assert out.metrics["source_dropped_oversize"] == 301
        assert out.metrics["source_events"] == 301
    if read.name == "runner":  # said once, not 301 times
        (log,) = out.said("max_event_size is 1000")
        assert log.severity == "warning"
        assert log.text == (
            "an event of 1001 bytes was dropped: max_event_size is 1000 (1 dropped so far)"
        )


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_full_queue_makes_its_producer_wait(read: Read, write_plugin: WritePlugin) -> None:
    """S1"""
    out = read(write_plugin(FULL), config="block")
    assert out.data == [*(b"%d" % i for i in range(20_000)), b"taken 20000"]
    assert out.eof


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_full_queue_drops_where_it_was_told_to(read: Read, write_plugin: WritePlugin) -> None:
    """S1"""
    out = read(write_plugin(FULL), config="drop")
    *events, told = out.data
    numbers = [int(data) for data in events]
    assert numbers == sorted(set(numbers))
    assert told == b"taken %d" % len(numbers)
    dropped = out.metrics.get("source_dropped_queue_full", out.metrics.get("source_dropped"))
    assert dropped == 20_000 - len(numbers)


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_hook_that_fills_the_queue_is_told_rather_than_hung(
    read: Read, write_plugin: WritePlugin
) -> None:
    """S1"""
    out = read(write_plugin(HOOK))
    assert len(out.data) == 10 or read.name == "in_process"
    assert "10: the queue is full, and the host waits for this hook" in out.error


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_several_producers_keep_each_its_order(read: Read, write_plugin: WritePlugin) -> None:
    """S1"""
    out = read(write_plugin(MANY))
    pairs = [tuple(map(int, data.split())) for data in out.data]
    assert len(pairs) == 20_000
    for k in range(4):
        assert [i for producer, i in pairs if producer == k] == list(range(5000))


@pytest.mark.host
def test_memory_stays_flat_over_many_captures(
    write_plugin: WritePlugin, plughost: Plughost
) -> None:
    """S2: 20 captures in one inspector, and 5 loads of the library."""
    author = write_plugin(BATCHES.replace('"eof": [b"1", b"2"]', '"eof": [bytes(1000)] * 1000'))
    answer = plughost.raw("--plugin", author.library, "--open", "eof", "--cycles", 20)
    counts = [cycle["events"]["count"] for cycle in answer["cycles"]]
    threads = [cycle["threads_after_close"] for cycle in answer["cycles"]]
    assert counts == [1000] * 20
    assert len(set(threads)) == 1
    again = plughost.raw("--plugin", author.library, "--open", "eof", "--reload", 5)
    assert [r["cycles"][0]["events"]["count"] for r in again["reloads"]] == [1000] * 5
    kb = [r["after_unload"]["rss_kb"] for r in again["reloads"]]
    assert kb[-1] - kb[1] < 4096, json.dumps(kb)
