# SPDX-License-Identifier: Apache-2.0
"""Decorated producers in all their forms: what they give, what their errors do to the others."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Call, WritePlugin
    from drivers import Drive

FORMS = """
class Base(Plugin, AsyncEvents):
    calls = 0
    @async_event("plain", every=0.005)
    def plain(self):
        self.calls += 1
        return f"plain {self.calls}" if self.calls <= 3 else None

    @async_event("overridden", every=0.001)
    def overridden(self):
        return b"never"

class P(Base):
    async_events = ("extra",)
    steps = 0
    def overridden(self): pass

    @async_event("generator")
    def generator(self):
        yield b"bytes"
        yield "str \\u00e9"
        yield None
        yield {"json": [1, 2.5, None, "x"]}
        yield bytearray(b"bytearray")
        yield memoryview(b"memoryview")

    @async_event("generator_every", every=0.005)
    def generator_every(self):
        yield from (1, 2, 3)

    @async_event("coroutine")
    async def coroutine(self):
        await asyncio.sleep(0.001)
        return b"once"

    @async_event("coroutine_every", every=0.005)
    async def coroutine_every(self):
        self.steps += 1
        return self.steps if self.steps <= 3 else None

    @async_event("async_generator")
    async def async_generator(self):
        for n in range(3):
            yield n
            await asyncio.sleep(0.001)

    @async_event("async_generator_every", every=0.005)
    async def async_generator_every(self):
        for n in range(3):
            yield n

    @async_event("object")
    def object(self):
        yield AsyncEvent("extra", b"another name")
        yield AsyncEvent("object", {"with": "a time"}, ts_ns=12345)
"""
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
FAILING = """
class P(Plugin, AsyncEvents):
    calls = 0

    @async_event("plain", every=0.002)
    def plain(self):
        raise ValueError("plain fails")

    @async_event("generator")
    def generator(self):
        yield b"1"
        raise ValueError("generator fails")

    @async_event("generator_every", every=0.002)
    def generator_every(self):
        yield b"1"
        raise ValueError("generator_every fails")

    @async_event("coroutine")
    async def coroutine(self):
        raise ValueError("coroutine fails")

    @async_event("coroutine_every", every=0.002)
    async def coroutine_every(self):
        raise ValueError("coroutine_every fails")

    @async_event("async_generator")
    async def async_generator(self):
        yield b"1"
        raise ValueError("async_generator fails")

    @async_event("async_generator_every", every=0.002)
    async def async_generator_every(self):
        yield b"1"
        raise ValueError("async_generator_every fails")

    @async_event("exiting", every=0.002)
    def exiting(self):
        raise SystemExit("exiting fails")

    @async_event("no_json", every=0.002)
    def no_json(self):
        return object()

    @async_event("undeclared", every=0.002)
    def undeclared(self):
        return AsyncEvent("nobody_declared_it")

    @async_event("fine", every=0.005)
    def fine(self):
        return b"fine"

    @async_event("fine_too", every=0.005)
    async def fine_too(self):
        return b"fine too"
"""
STUCK = """
class P(Plugin, AsyncEvents):
    released = False
    @async_event("one", every=0.001)
    def produce(self):
        while not P.released:
            time.sleep(0.001)
    def set_config(self, config): P.released = True
"""
TIMING = """
class P(Plugin, AsyncEvents):
    @async_event("tick", every=0.05)
    def tick(self):
        return str(time.monotonic())
    @async_event("idle_one", every=3600)
    def idle_one(self): return None
    @async_event("idle_too")
    async def idle_too(self): await asyncio.sleep(3600)
    @async_event("idle_three")
    async def idle_three(self):
        try:
            await asyncio.sleep(3600)
        finally:
            self.log.warning("cancelled")
        yield b""
"""


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
    out = drive(author, limit=60)
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


STRAY = """
class P(Plugin, AsyncEvents):
    @async_event("exiting")
    async def exiting(self):
        for n in range(3):
            self.task = asyncio.create_task(self.away())
            asyncio.get_running_loop().call_soon(sys.exit, "called back")
            await asyncio.sleep(0.001)
            yield n
    async def away(self):
        sys.exit("away")
    @async_event("other", every=0.005)
    async def other(self):
        return b"x"
"""


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
    told = f"{where}: a task beside the async producers: SystemExit: away"
    assert out.said(f"{told}; the task has ended, and the producers go on")
    assert out.said("a task beside the async producers: SystemExit: called back")
