# SPDX-License-Identifier: Apache-2.0
"""Event sources: what may be yielded and returned, order, ends, open params."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from source_drivers import PlughostRead

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WritePlugin
    from drivers import Plughost
    from source_drivers import Read

FORMS = """
class Instance:
    def __init__(self, n): self.n = n
    def __iter__(self):
        for i in range(self.n): yield str(i)

class AsyncInstance(Instance):
    __iter__ = None
    async def __aiter__(self):
        for i in range(self.n):
            await asyncio.sleep(0)
            yield str(i)

class Stepper:
    def __init__(self, n): self.i, self.n = 0, n
    def __iter__(self): return self
    def __next__(self):
        if self.i == self.n: raise StopIteration
        self.i += 1
        return str(self.i - 1)

class Queued:
    def __init__(self, n): self.n = n
    def __iter__(self):
        queue = EventQueue()
        def produce():
            queue.put_many(str(i) for i in range(self.n))
            queue.end()
        threading.Thread(target=produce).start()
        return queue

def generator(n):
    for i in range(n): yield str(i)

async def async_generator(n):
    for i in range(n): yield str(i)

class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    def open(self, params: str):
        n = 20_000
        return {
            "generator": lambda: generator(n), "async": lambda: async_generator(n),
            "list": lambda: [str(i) for i in range(n)], "map": lambda: map(str, range(n)),
            "instance": lambda: Instance(n), "async instance": lambda: AsyncInstance(n),
            "stepper": lambda: Stepper(n), "queue": lambda: Queued(n).__iter__(),
            "queued": lambda: Queued(n),
        }[params]()
"""
ITEMS = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    def open(self, params: str):
        yield b"bytes"
        yield bytearray(b"array")
        yield memoryview(b"view")
        yield "text \\u00e9"
        yield {"a": [1, None]}
        yield 7
        yield Event(b"event", ts_ns=1_700_000_000_000_000_000)
        yield Event(b"event", ts_ns=None)
        yield b""
        yield None
        yield b"last"
"""
TIMES = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    def open(self, params: str):
        return self.events() if params == "yielded" else self.queued()
    def events(self):
        for _ in range(300): yield str(time.time_ns())
    def queued(self):
        queue = EventQueue()
        for _ in range(300): queue.put(Event(str(time.time_ns()).encode()))
        queue.end()
        return queue  # Falco has seen none of them yet
"""
ENDS = """
class P(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"
    def open(self, params: str):
        if params == "closed": raise ValueError("open was to fail")
        if params == "wrong": return 7
        if params == "nothing": return None
        if params == "queue": return self.fail_in_queue()
        return (self.later if params == "async" else self.steps)(params)
    def fail_in_queue(self):
        queue = EventQueue()
        queue.put_many([b"1", b"2"])
        queue.end("the queue was to fail")
        return queue
    def steps(self, params):
        yield b"1"
        yield b"2"
        if params == "raise": raise ValueError("the source was to fail")
        if params == "exit": sys.exit("away")
        if params == "bad":
            yield {1, 2}.add
    async def later(self, params):
        yield b"1"
        yield b"2"
        raise ValueError("later was to fail")
"""
PARAMS = """
class Params(msgspec.Struct):
    n: int = 3
    names: list[str] = []

@dataclasses.dataclass
class Pair:
    first: int
    second: str = "x"

class Base(Plugin, EventSource):
    plugin_id = 999
    event_source = "conform"

class P(Base):
    def open(self, params{annotation}):
        yield repr(params)
"""


@pytest.mark.parametrize(
    "form",
    ["generator", "async", "list", "map", "instance", "async instance", "stepper", "queue",
     "queued"],
)  # fmt: skip
@pytest.mark.drivers("in_process", "runner", "plughost")
def test_every_form_gives_its_events_in_order_to_the_end(
    read: Read, write_plugin: WritePlugin, form: str
) -> None:
    """S1, S3"""
    out = read(write_plugin(FORMS), form)
    assert out.error == ""
    assert [int(data) for data in out.data] == list(range(20_000))
    assert out.eof
    if read.name != "in_process":
        assert out.metrics["source_events"] == 20_000
        assert out.metrics["source_waiting"] == out.metrics["source_discarded"] == 0
        assert 1 <= out.metrics["source_batches"] <= 20_000


def test_an_event_is_what_was_yielded(read: Read, write_plugin: WritePlugin) -> None:
    """S1"""
    out = read(write_plugin(ITEMS))
    assert out.error == ""
    assert out.data == [
        b"bytes", b"array", b"view", "text é".encode(), b'{"a":[1,null]}', b"7", b"event",
        b"event", b"", b"last",
    ]  # fmt: skip
    assert out.events[6].ts_ns == 1_700_000_000_000_000_000
    assert all(e.ts_ns for e in out.events)
    assert {e.source for e in out.events} <= {"conform", None}
    assert {e.tid for e in out.events} == {None}


@pytest.mark.parametrize("params", ["yielded", "queued"])
def test_an_event_without_a_time_has_that_of_its_yield_or_put(
    read: Read, write_plugin: WritePlugin, params: str
) -> None:
    """S1"""
    out = read(write_plugin(TIMES), params)
    assert out.error == ""
    before = [int(data) for data in out.data]
    assert len(before) == 300
    for i, (event, next_before) in enumerate(zip(out.events, before[1:], strict=False)):
        assert before[i] <= (event.ts_ns or 0) <= next_before


@pytest.mark.parametrize(
    ("params", "line", "text"),
    [
        ("raise", 'ValueError("the source', "next_batch: ValueError: the source was to fail"),
        ("exit", 'sys.exit("away")', "next_batch: SystemExit: away"),
        ("bad", "yield {1, 2}.add", "next_batch: InvalidEventError: Encoding objects of type"),
        ("async", 'ValueError("later', "next_batch: ValueError: later was to fail"),
    ],
)
def test_a_source_that_fails_delivers_what_came_before_and_then_its_text(
    read: Read, write_plugin: WritePlugin, params: str, line: str, text: str
) -> None:
    """S3, B12"""
    author = write_plugin(ENDS)
    out = read(author, params)
    assert out.data == ([b"1", b"2"] if read.name != "in_process" else out.data)
    if read.name == "in_process":
        assert text.partition(": ")[2] in out.error
    else:
        assert f"{author.at(line)}: {text}" in out.error


@pytest.mark.drivers("runner", "plughost", "sysdig")
def test_a_queue_can_be_ended_with_a_text(read: Read, write_plugin: WritePlugin) -> None:
    """S3"""
    out = read(write_plugin(ENDS), "queue")
    assert out.data == [b"1", b"2"]
    assert "the queue was to fail" in out.error


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ("closed", "open: ValueError: open was to fail"),
        ("wrong", "open returned int, and is to return an iterator"),
        ("nothing", "open returned NoneType, and is to return an iterator"),
    ],
)
def test_a_source_that_cannot_be_opened_says_why(
    read: Read, write_plugin: WritePlugin, params: str, text: str
) -> None:
    """S5"""
    author = write_plugin(ENDS)
    out = read(author, params)
    assert not out.events
    assert text.removeprefix("open: ") in out.error
    if params == "closed" and read.name != "in_process":
        assert f"{author.at('open was to fail')}: {text}" in out.error


@pytest.mark.drivers("in_process", "runner", "sysdig")
@pytest.mark.parametrize(
    ("annotation", "given", "found"),
    [
        ("", "x y", "'x y'"),
        (": str", "", "''"),
        (": str | None", "x", "'x'"),
        (": Params", "", "Params(n=3, names=[])"),
        (": Params", '{"n":4,"names":["a"]}', "Params(n=4, names=['a'])"),
        (": 'Pair'", '{"first":1}', "Pair(first=1, second='x')"),
        (": dict[str, int]", '{"a":1}', "{'a': 1}"),
        (": int", "7", "7"),
    ],
)
def test_open_params_come_in_their_type(
    read: Read, write_plugin: WritePlugin, annotation: str, given: str, found: str
) -> None:
    """S8"""
    out = read(write_plugin(PARAMS.replace("{annotation}", annotation)), given)
    assert out.error == ""
    assert out.data == [found.encode()]


@pytest.mark.drivers("in_process", "runner", "plughost")
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("{", "plugin conform: the open params are not valid JSON: "),
        (
            '{"n":"x"}',
            "plugin conform: the open params do not fit Params: Expected `int`, got `str`",
        ),
        ("[]", "plugin conform: the open params do not fit Params: "),
        ('{"m":1}', "unknown key `m` - at `$`, where Params has n, names"),
    ],
)
def test_wrong_open_params_are_told(
    read: Read, write_plugin: WritePlugin, given: str, text: str
) -> None:
    """S5, S8"""
    out = read(write_plugin(PARAMS.replace("{annotation}", ": Params")), given)
    assert not out.events
    assert text in out.error


@pytest.mark.host
def test_a_line_of_a_file_is_an_event(
    write_plugin: WritePlugin, plughost: Plughost, tmp_path: Path
) -> None:
    """S1: a file is an iterator, and its close is called."""
    author = write_plugin("""
        class P(Plugin, EventSource):
            plugin_id = 999
            event_source = "conform"
            def open(self, params: str):
                return open(params, "rb")
    """)
    out = PlughostRead(plughost, tmp_path)(author, str(author.file))
    assert out.error == ""
    assert b"".join(out.data) == author.file.read_bytes()
    assert out.metrics["source_discarded"] == 0
