# SPDX-License-Identifier: Apache-2.0
"""A producer that holds a lock while it waits for room, and a hook of Falco's that wants it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.capture import open_capture
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Call, WritePlugin
    from drivers import Plughost

EMITTING = """
class P(Plugin, AsyncEvents, EventParsing):
    parse_event_types = (402,)
    async_events = ("flood", "state")
    config: str
    def init(self):
        self.lock, self.other, self.holding = threading.Lock(), threading.Lock(), threading.Event()
        self.flooded = False
    def start_async(self, handler):
        self.handler = handler
    @async_event("first", every=0.01)
    def flood(self):
        if self.flooded: return
        self.flooded = True
        with self.lock:
            if self.config == "two locks":
                threading.Thread(target=self.between, daemon=True).start()
                self.holding.wait()
            getattr(self, self.config.replace(" ", "_"))()
    def between(self):
        with self.other:
            self.holding.set()
            with self.lock: pass
    def emit(self):
        for n in range(3000): self.handler.emit("flood", bytes(1000))
    def emit_many(self):
        self.handler.emit_many("flood", (bytes(1000) for n in range(3000)))
    two_locks = dump_state_waits = emit
    def parse_event(self, event):
        if event.name == "flood" and self.config != "dump state waits":
            with self.other if self.config == "two locks" else self.lock: pass
    def dump_state(self, handler):
        if self.config != "dump state waits": return
        while not self.flooded: time.sleep(0.001)
        with self.lock: handler.emit("state", b"whole")
"""
_HELD = r"nothing is taken from it: Falco has waited [\d.]+ s for"


def _run(plughost: Plughost, author: Any, config: str, *options: Any) -> dict[str, Any]:
    """Run it; plughost would say so if it were stuck. Everything that was emitted is delivered."""
    answer = plughost.raw(
        "--plugin", author.library, "--init", config, "--pump", 0, "--secs", 3, "--metrics",
        "--log", "--watchdog", 20, *options,
    )  # fmt: skip
    assert "error" not in answer, answer
    metrics = answer["cycles"][0]["metrics"]["hasty"]
    assert metrics["hasty.async_delivered"] == metrics["hasty.async_emitted"] > 500
    assert metrics["hasty.async_refused"] == 1
    assert metrics["hasty.async_lost"] == metrics["hasty.async_unconfirmed"] == 0
    return answer


@pytest.mark.host
@pytest.mark.once
@pytest.mark.parametrize("how", ["emit", "emit_many", "two locks"])
def test_emit_lets_go_when_a_hook_holds_falco_up(
    plughost: Plughost, hasty: WritePlugin, how: str
) -> None:
    """A8"""
    author = hasty(EMITTING)
    said = "\n".join(_run(plughost, author, how)["log"])
    line = author.at(
        "handler.emit_many(" if how == "emit_many" else "range(3000): self.handler.emit("
    )
    told = f"{re.escape(line)}: producer of 'first': RingFullError: the ring of plugin 'hasty'"
    held = f"{told} is full, and {_HELD} the code of plugin 'hasty'; if that code waits"
    assert re.search(held, said), said
    assert f"its code is at {author.at('else self.lock: pass')} in parse_event" in said


@pytest.mark.host
@pytest.mark.once
def test_emit_lets_go_when_dump_state_waits(
    plughost: Plughost, hasty: WritePlugin, tmp_path: Path
) -> None:
    """A8, A9"""
    author, file = hasty(EMITTING), tmp_path / "out.scap"
    said = "\n".join(_run(plughost, author, "dump state waits", "--write", file)["log"])
    assert re.search(f"RingFullError: .*{_HELD} dump_state of plugin 'hasty'", said), said
    with open_capture(file) as capture:
        assert [e.data for e in capture if e.async_name == "state"] == [b"whole"]


PUTTING = """
from falcokit import FieldExtraction, field
class P(Plugin, EventSource, FieldExtraction):
    plugin_id, event_source = 999, "hasty"
    lock = threading.Lock()
    def open(self, params: str):
        self.how = params
        if params in ("generator", "asynchronous"): return getattr(self, params)()
        queue = EventQueue(100)
        threading.Thread(target=self.fill, args=(queue,)).start()
        return queue
    def fill(self, queue):
        try:
            with self.lock:
                if self.how == "put_many": queue.put_many(b"x" for n in range(9000))
                else:
                    for n in range(9000): queue.put(b"x")
        except falcokit.QueueFullError as e:
            self.log.warning("let go: %s", e)
        queue.end()
    def generator(self):
        try:
            with self.lock:
                for n in range(20_000): yield b"x"
        except falcokit.QueueFullError as e:
            self.log.warning("let go: %s", e)
    async def asynchronous(self):
        try:
            with self.lock:
                for n in range(20_000): yield b"x"
        except falcokit.QueueFullError as e:
            self.log.warning("let go: %s", e)
    @field("hasty.x", desc="d")
    def x(self, event) -> int:
        with self.lock: return 1
"""


@pytest.mark.host
@pytest.mark.once
@pytest.mark.parametrize("how", ["put", "put_many", "generator", "asynchronous"])
def test_put_lets_go_when_a_hook_holds_falco_up(
    plughost: Plughost, hasty: WritePlugin, how: str
) -> None:
    """A8, S2"""
    answer = plughost.raw(
        "--plugin", hasty(PUTTING).library, "--open", how, "--fields", "hasty.x", "--secs", 15,
        "--metrics", "--log", "--watchdog", 20,
    )  # fmt: skip
    (cycle,) = answer["cycles"]
    assert cycle["end"] == "eof"
    said = "\n".join(answer["log"])
    full = f"let go: the queue is full, and {_HELD} the code of plugin 'hasty'; if that code"
    assert re.search(full, said), said
    # What was put before it is delivered, and all but the first have the field.
    count = cycle["metrics"]["hasty"]["hasty.source_events"]
    assert cycle["by_type"]["322:pluginevent"]["count"] == count >= 100
    assert cycle["fields"]["hasty.x"]["present"] >= count - 3


TIMED = """
class P(Plugin, AsyncEvents):
    async_events = ("big",)
    def start_async(self, handler):
        self.handler, self.task = handler, BackgroundTask()
        self.task.start(self.work)
    def work(self):
        for call in (
            lambda: [self.handler.emit("big", bytes(10_000), timeout=0.05) for n in range(1000)],
            lambda: self.handler.emit_many("big", [bytes(10_000)], timeout=0),
            lambda: self.handler.emit("big", timeout="soon"),
            lambda: self.handler.emit("big", timeout=float("nan")),
        ):
            try:
                call()
            except falcokit.EmitError as e:
                self.log.warning("%s: %s", type(e).__name__, e)
        self.log.warning("refused %s", self.handler.counters.refused)
    def stop_async(self):
        self.task.stop()
"""


def test_emit_waits_no_longer_than_its_timeout(write_plugin: WritePlugin, call: Call) -> None:
    """A8"""
    text = "\n".join(call(write_plugin(TIMED), "i:", "h", "q:1", "W:refused", "n", "d"))
    full = "RingFullError: the ring of plugin 'conform' is full, and stayed so for the time of"
    assert text.count(full) == 2, text
    assert "InvalidEventError: timeout is a number of seconds or None, not 'soon'" in text
    assert "InvalidEventError: timeout is a number of seconds or None, not nan" in text
    assert "refused {'invalid_data': 2, 'ring_full': 2}" in text


TIMED_PUT = """
class P(Plugin, EventSource):
    plugin_id, event_source = 999, "conform"
    def open(self, params: str):
        queue = EventQueue(2)
        self.thread = threading.Thread(target=self.fill, args=(queue,))
        self.thread.start()
        return queue
    def fill(self, queue):
        for call in (
            lambda: queue.put(b"1", timeout=0.01) + queue.put(b"2", timeout=None),
            lambda: queue.put(b"3", timeout=0.01),
            lambda: queue.put_many([b"4", b"5"], timeout=0),
        ):
            try:
                self.log.warning("taken %d", call())
            except falcokit.QueueFullError as e:
                self.log.warning("full: %s", e)
        queue.end()
"""


@pytest.mark.host
def test_put_waits_no_longer_than_its_timeout(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A8, S2"""
    author = write_plugin(TIMED_PUT)
    answer = plughost.raw(
        "--plugin", author.library, "--open", "", "--pause-ms", 500, "--log", "--print", 9
    )
    full = "conform: full: the queue is full, and stayed so for the time of timeout="
    assert answer["log"].get(full) == 2, answer["log"]
    assert answer["log"].get("conform: taken 2") == 1
    assert answer["cycles"][0]["events"]["count"] == 2
    with start_plugin(author.plugin) as running, running.open("") as source:
        running.plugin.thread.join()
        assert [event.data for event in source.events()] == [b"1", b"2"]
        assert sum(log.text == full.partition(" ")[2] for log in running.logs) == 2
