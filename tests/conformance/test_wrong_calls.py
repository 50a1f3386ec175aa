# SPDX-License-Identifier: Apache-2.0
"""Calls of emit that cannot work: the same exception in process and in a host, and no harm done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import Call, WritePlugin
    from drivers import Drive

CALLS = {
    'handler.emit("nope", b"x")': "UndeclaredEventError undeclared_name",
    'handler.emit("", b"x")': "UndeclaredEventError undeclared_name",
    'handler.emit(b"tick", b"x")': "UndeclaredEventError undeclared_name",
    'handler.emit(AsyncEvent("nope"))': "UndeclaredEventError undeclared_name",
    'handler.emit_many("nope", [b"x"])': "UndeclaredEventError undeclared_name",
    'handler.emit("tick", object())': "InvalidEventError invalid_data",
    'handler.emit("tick", {1, object()})': "InvalidEventError invalid_data",
    'handler.emit("tick", "half \\ud800")': "InvalidEventError invalid_data",
    'handler.emit("tick", b"x", ts_ns="now")': "InvalidEventError invalid_data",
    'handler.emit("tick", b"x", ts_ns=2**64)': "InvalidEventError invalid_data",
    'handler.emit("tick", b"x", tid=-2)': "InvalidEventError invalid_data",
    'handler.emit("tick", b"x", tid=1.5)': "InvalidEventError invalid_data",
    'handler.emit(AsyncEvent("tick", b"x", tid="1"))': "InvalidEventError invalid_data",
    'handler.emit("tick", b"x", ts_ns=2**63)': "FutureTimestampError future_timestamp",
    'handler.emit_many("tick", [b"x"], ts_ns=2**63)': "FutureTimestampError future_timestamp",
    "handler.emit()": "TypeError",
    "handler.emit(7)": "TypeError",
    'handler.emit("tick", b"x", 5)': "TypeError",
    'handler.emit("tick", b"x", colour=1)': "TypeError",
    'handler.emit("tick", b"x", data=b"y")': "TypeError",
    'handler.emit_many("tick")': "TypeError",
    'handler.emit_many("tick", 7)': "TypeError",
}
AUTHOR = """
CALLS = {calls!r}

class P(Plugin, AsyncEvents):
    async_events = ("tick", "told")
    def start_async(self, handler):
        for call in CALLS:
            try:
                eval(call)
                said = "nothing"
            except Exception as e:
                said = " ".join([type(e).__name__, *filter(None, [getattr(e, "reason", None)])])
            handler.emit("told", [call, said])
""".replace("{calls!r}", repr(list(CALLS)))
MANY = plugin("many_calls")
REFUSED = """
class P(Plugin, AsyncEvents):
    async_events = ("tick",)
    def start_async(self, handler):
        for n in range(3):
            try:
                handler.emit("tick", str(n), direct=True)
            except falcokit.EventRefusedError as e:
                self.log.warning("%s: %s", e.reason, e)
        self.log.warning("refused %s", handler.counters.refused)
"""


@pytest.mark.drivers("in_process", "runner")
def test_a_wrong_call_raises_the_same_everywhere(drive: Drive, write_plugin: WritePlugin) -> None:
    """A1, B12"""
    out = drive(write_plugin(AUTHOR), limit=len(CALLS))
    assert dict(json.loads(data) for data in out.data) == CALLS
    assert {e.type for e in out.events} == {"told"}


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_emit_many_gives_what_came_before_the_error(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """A8"""
    out = drive(write_plugin(MANY), limit=8)
    told = [e.data for e in out.events if e.type == "told"]
    assert told == [b"ValueError", b"InvalidEventError", b"0", b"1"]
    assert [e.data for e in out.events if e.type == "tick"] == [b"1", b"2", b"3", b"4"]


def test_the_hosts_refusal_is_raised_with_its_words(write_plugin: WritePlugin, call: Call) -> None:
    """A6, B11"""
    lines = call(write_plugin(REFUSED), "i:", "r:2", "h", "w:1", "n", "d")
    told = [line for line in lines if line.startswith("log ")]
    refusal = "host: the host refused async event 'tick': the caller refuses \ufffd this"
    assert told == [
        f"log 0 - {refusal} warning",
        f"log 0 - {refusal} warning",
        "log 0 - refused {'host': 2} warning",
    ]
    assert "w 1" in lines
