# SPDX-License-Identifier: Apache-2.0
"""The tools in plugins that run: they end with the capture, and their counters are metrics."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from taking import until

from falcokit import AsyncEvents, EventSource, Plugin, async_event
from falcokit.sources import Consumer, HttpReceiver, ProcessLines, Tail, Watch
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from falcokit.sources import Feed
    from falcokit.testing import RunningSource

pytestmark = pytest.mark.python

_PROMPT = 2.0


class Base(Plugin, EventSource):
    name, version, description, contact = "tools", "0.1.0", "Tools.", "you@example.com"
    plugin_id, event_source = 999, "tools"
    feed: Any = None


class Returned(Base):
    def open(self, params: str) -> Feed:
        self.feed = Tail(params, from_start=True)
        return self.feed


class InGenerator(Base):
    def open(self, params: str) -> Iterator[bytes]:
        self.feed = Tail(params, from_start=True)
        for line in self.feed:
            yield line.upper()


class InFunction(Base):
    def open(self, params: str) -> Iterator[bytes]:
        self.feed = Tail(params, from_start=True)
        return map(bytes.upper, self.feed)


class InAsyncGenerator(Base):
    async def open(self, params: str) -> AsyncIterator[bytes]:
        self.feed = Tail(params, from_start=True)
        async for line in self.feed:
            yield line


class ReturnedAsync(Base):
    def open(self, params: str) -> AsyncIterator[bytes]:
        self.feed = Tail(params, from_start=True)
        return self.feed.__aiter__()


def closed_in_time(source: RunningSource) -> None:
    begun = time.monotonic()
    source.close()
    assert time.monotonic() - begun < _PROMPT


@pytest.mark.parametrize(
    "plugin", [Returned, InGenerator, InFunction, InAsyncGenerator, ReturnedAsync]
)
def test_it_ends_with_the_capture_wherever_it_is(plugin: type[Base], tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\n")
    with start_plugin(plugin) as running:
        for round_ in (1, 2):
            source = running.open(str(log))
            assert [event.data.lower() for event in source.events(2)] == [b"one", b"two"]
            closed_in_time(source)
            assert running.plugin.feed.closed.is_set()
            metrics = running.metrics()
            assert (metrics["tail_lines"], metrics["tail_cut"]) == (2 * round_, 0)
        assert not [message for message in running.logs if message.severity in {"error", "warning"}]


def test_an_open_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    class Failing(Base):
        def open(self, params: str) -> Feed:
            self.feed = HttpReceiver()
            raise RuntimeError("no")

    with start_plugin(Failing) as running:
        with pytest.raises(RuntimeError):
            running.open("")
        assert running.plugin.feed.closed.is_set()


def test_a_generator_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    class Failing(Base):
        def open(self, params: str) -> Iterator[bytes]:
            self.feed = ProcessLines(["yes"])
            for line in self.feed:
                yield line
                raise RuntimeError("no")

    with start_plugin(Failing) as running:
        source = running.open("")
        with pytest.raises(RuntimeError):
            source.events()
        until(running.plugin.feed.closed.is_set)
        until(lambda: running.plugin.feed._process.returncode is not None)


class Producing(Plugin, AsyncEvents):
    name, version, description, contact = "tools", "0.1.0", "Tools.", "you@example.com"
    path = ""
    feeds: Any = None

    @async_event("changed")
    def changes(self) -> Iterator[dict[str, Any]]:
        watch = Watch([self.path], existing=True)
        self.feeds.append(watch)
        yield from watch

    @async_event("said")
    async def said(self) -> AsyncIterator[bytes]:
        tail = Tail(f"{self.path}/log", from_start=True)
        self.feeds.append(tail)
        async for line in tail:
            yield line


def test_it_ends_with_the_capture_in_producers_too(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("hello\n")
    Producing.path, Producing.feeds = str(tmp_path), []
    with start_plugin(Producing) as running:
        seen = {running.next_event(timeout=10.0).name for _ in range(2)}
        assert seen == {"changed", "said"}
        metrics = running.metrics()
        assert metrics["tail_lines"] == metrics["watch_changes"] == 1
        begun = time.monotonic()
    assert time.monotonic() - begun < _PROMPT
    assert all(feed.closed.is_set() for feed in Producing.feeds)
    assert len(Producing.feeds) == 2


def test_trouble_is_in_the_plugins_log_with_the_authors_line() -> None:
    class Broken(Base):
        def open(self, params: str) -> Feed:
            return Consumer(self.messages, name="broker", first_pause=0.01)

        def messages(self) -> Iterator[bytes]:
            yield b"one"
            raise ConnectionError("gone")

    with start_plugin(Broken) as running, running.open("") as source:
        assert len(source.events(2)) == 2
        until(lambda: running.metrics()["broker_failures"] > 1)
        (message,) = [m for m in running.logs if m.severity == "warning"]
    assert message.text.startswith(f"broker: {__file__}:")
    assert "ConnectionError: gone; connecting again in" in message.text


def test_the_toolbox_loads_what_is_asked_for() -> None:
    code = (
        "import sys, falcokit.sources\n"
        "assert 'asyncio' not in sys.modules and 'http.server' not in sys.modules\n"
        "for name in falcokit.sources.__all__: getattr(falcokit.sources, name)\n"
        "assert set(falcokit.sources.__all__) <= set(dir(falcokit.sources))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
