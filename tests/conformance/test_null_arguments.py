# SPDX-License-Identifier: Apache-2.0
"""Exports called with NULL, on no state and on one that failed to initialise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from author import plugin

if TYPE_CHECKING:
    from conftest import Call, WritePlugin

EVERYTHING = """
class Config(msgspec.Struct):
    count: int = 7

class P(Plugin, AsyncEvents, EventParsing):
    async_events = ("one",)
    config: Config
    def start_async(self, handler): pass
    def parse_event(self, event): raise ValueError("not reached")
    def set_config(self, config): pass
    def dump_state(self, handler): raise ValueError("not reached")
    def get_metrics(self): return [Metric("mine", 1)]
"""


def test_null_is_a_failure_and_nothing_worse(write_plugin: WritePlugin, call: Call) -> None:
    """B6"""
    dead = ["0 calls 1 1 1 1 1 1", "0 metrics 1 0"]
    assert call(write_plugin(EVERYTHING), "0") == [
        "0 init_schema 1",
        "0 schema_version 4.0.0",
        "0 parse_types 1",
        "0 init 1 init was called without an input",
        # An input that is all NULL is an empty config without a log.
        "0 bare 0 ",
        "0 with 1 0 1 1",
        "0 more 1 0 0",
        "0 error there is no plugin state: init was not called",
        *dead,
        "0 error init was called without an input",
        *dead,
    ]


SOURCE = plugin("null_source")


def test_null_to_a_source_and_to_fields_is_one_too(write_plugin: WritePlugin, call: Call) -> None:
    """B6"""
    dead = ["1 open 0 1", "1 next 1 1", "1 text 0 0 0", "1 extract 1 1 1"]
    alive = ["1 open 1 0", "1 next 1 1", "1 text 0 0 1", "1 extract 1 1 1"]
    assert call(write_plugin(SOURCE), "1") == [*dead, *dead, *alive]
