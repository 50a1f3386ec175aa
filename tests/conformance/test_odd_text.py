# SPDX-License-Identifier: Apache-2.0
"""Texts that are no UTF-8, as names of files may be: they end neither a capture nor an event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Drive
    from source_drivers import Read

SOURCE = plugin("odd_text")
ASYNC = r"""
class P(Plugin, AsyncEvents):
    async_events = ("one", "two")
    def start_async(self, handler):
        handler.emit("one", "name \udcff\udcfe")
        handler.emit_many("two", [{"path": "\udcff"}])
"""


@pytest.mark.drivers("in_process", "runner", "plughost", "sysdig")
def test_a_source_goes_on_and_a_failure_is_told(read: Read, write_plugin: WritePlugin) -> None:
    """S1, S3, B12"""
    author = write_plugin(SOURCE)
    out = read(author, limit=100, seconds=10)
    assert [event.data for event in out.events[:3]] == [b"name \xff\xfe", b"half ?", b"plain"]
    odd = json.loads(out.events[3].data)
    assert odd == {"path \ufffd": ["a\ufffd", ["\ufffd", 1]], "pair": "\U0001f600"}
    assert out.events[4].data == b"the last"
    assert len(out.events) == 5
    assert "nul" in out.error
    assert "and half" in out.error


@pytest.mark.drivers("runner", "plughost")
def test_a_queue_is_ended_whatever_the_text(read: Read, write_plugin: WritePlugin) -> None:
    """S3, B11"""
    out = read(write_plugin(SOURCE), "queue", limit=100, seconds=10)
    assert [event.data for event in out.events] == [b"queued \xff"]
    assert "it failed of \\udcff and nul" in out.error


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_an_async_event_has_the_bytes_of_the_name(drive: Drive, write_plugin: WritePlugin) -> None:
    """A5"""
    out = drive(write_plugin(ASYNC), limit=2)
    data = out.data if drive.name == "runner" else sorted(out.data)
    assert sorted(data) == [b"name \xff\xfe", b'{"path":"\\ufffd"}']
