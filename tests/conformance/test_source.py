# SPDX-License-Identifier: Apache-2.0
"""Event sources: what may be yielded and returned, order, ends, open params."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from source_drivers import PlughostRead

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WritePlugin
    from drivers import Plughost
    from source_drivers import Read

FORMS = plugin("source_forms")
ITEMS = plugin("source_items")
TIMES = plugin("source_times")
ENDS = plugin("source_failures")
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
    assert [int(data) for data in out.data] == list(range(4000))
    assert out.eof
    if read.name != "in_process":
        assert out.metrics["source_events"] == 4000
        assert out.metrics["source_waiting"] == out.metrics["source_discarded"] == 0
        assert 1 <= out.metrics["source_batches"] <= 4000


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
        ("wrong", "open returned int, but must return an iterator"),
        ("nothing", "open returned NoneType, but must return an iterator"),
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
