# SPDX-License-Identifier: Apache-2.0
"""Producers at the close of a capture, and after it: what is an end, and what is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin

from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Drive

STALE = plugin("producer_stale")


def test_another_captures_handler_is_an_error(
    write_plugin: WritePlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A4, B12"""
    monkeypatch.setattr("falcokit.runtime.async_event.background.CLOSING_SECONDS", 0.01)
    monkeypatch.setattr("falcokit.runtime.async_event.event_loop.CLOSING_SECONDS", 0.01)
    author = write_plugin(STALE)
    with start_plugin(author.plugin) as running:
        running.next_event()
        assert not running.logs
        running.start()
        wanted = {"producer of 'one'", "producer of 'two'", "background task"}
        while wanted:
            running.next_event()
            wanted -= {w for w in wanted for log in running.logs if f"{w}" in log.text}
    for log in running.logs:
        assert f"{author.file}:" in log.text
        assert "the capture of plugin 'conform' is closed" in log.text


AT_THE_END = """
class P(Plugin, AsyncEvents):
    @async_event("one")
    def one(self):
        try:
            while True:
                yield b"x"
                time.sleep(0.001)
        finally:
            raise ValueError("at the end")
"""


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_an_error_at_the_close_is_told_and_nothing_started(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """B12"""
    author = write_plugin(AT_THE_END)
    (log,) = drive(author).said("at the end")
    where = author.at('"at the end"')
    assert log.text == f"{where}: producer of 'one': ValueError: at the end"
