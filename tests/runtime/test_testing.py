# SPDX-License-Identifier: Apache-2.0
"""falcokit.testing runs the built library in the test's own process, with the test's own class."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from falcokit import (
    AsyncEvents,
    Event,
    EventParsing,
    EventQueue,
    EventSource,
    Plugin,
    TableEntry,
    async_event,
    i64,
    import_table,
)
from falcokit.errors import PluginDefinitionError
from falcokit.runtime.base.errors import PluginError
from falcokit.testing import start_plugin


class Row(TableEntry):
    count: i64


class Counting(Plugin, AsyncEvents, EventParsing):
    name, version, description, contact = "counting", "0.1.0", "Counts.", "you@example.com"
    async_events = ("one",)
    parse_event_types = (402,)
    rows = import_table("rows", i64, Row)

    def parse_event(self, event: Event) -> None:
        self.rows.insert(event.number, count=len(event.data))

    @async_event("tick", every=0.01)
    def tick(self) -> bytes:
        return b"four"


class Queued(Plugin, EventSource):
    name, version, description, contact = "queued", "0.1.0", "A queue.", "you@example.com"
    plugin_id, event_source = 999, "queued"

    def open(self, params: str) -> EventQueue:
        queue = EventQueue()
        queue.put(params)
        queue.end()
        return queue


def test_the_built_library_runs_the_class_of_the_test() -> None:
    with start_plugin(Queued) as running, running.open("hello") as source:
        assert type(running.plugin) is Queued
        assert isinstance(source.instance, EventQueue)
        assert isinstance(source.instance, sys.modules["_falcokit_hot"].Channel)
        assert [event.data for event in source.events()] == [b"hello"]


def test_a_hook_may_stop_at_a_breakpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(
        sys, "breakpointhook", lambda: stopped.append(threading.current_thread().name)
    )

    class Stopping(Queued):
        def init(self) -> None:
            breakpoint()  # noqa: T100

    stdout = sys.stdout
    with start_plugin(Stopping):
        assert len(stopped) == 1
        assert sys.stdout is stdout


def test_several_plugins_have_hosts_and_tables_of_their_own() -> None:
    first: dict[Any, Any] = {}
    second: dict[Any, Any] = {7: {"count": 1}}
    with (
        start_plugin(Counting, tables={"rows": first}) as one,
        start_plugin(Counting, tables={"rows": second}) as two,
    ):
        assert one.next_event().data == two.next_event().data == b"four"
    assert first[1] == {"count": 4}
    assert second[7] == {"count": 1}
    assert second[1] == {"count": 4}


def test_a_class_that_cannot_be_built_is_refused_as_the_build_does() -> None:
    class Nothing(Plugin):
        pass

    with pytest.raises(PluginDefinitionError, match="has no capability"), start_plugin(Nothing):
        pass


def test_what_init_says_of_a_table_that_is_not_there_reaches_the_test() -> None:
    with pytest.raises(PluginError, match="it does not exist"), start_plugin(Counting):
        pass
