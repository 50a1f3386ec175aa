# SPDX-License-Identifier: Apache-2.0
"""A thread that keeps the GIL in C: who it is and where, and what of Falco goes on meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import RealHost, WritePlugin
    from drivers import Plughost

pytestmark = [pytest.mark.host, pytest.mark.once]

REGEX = plugin("gil_regex")


def test_a_catastrophic_pattern_is_told_with_its_producer_and_line(
    hasty: WritePlugin, plughost: Plughost, real_host: RealHost
) -> None:
    """B12"""
    author = hasty(REGEX, name="conform")
    answer = plughost.raw(
        "--plugin", real_host.baseline, "--init", '{"async":0}', "--open", "1000000000,1,8",
        "--plugin", author.library, "--secs", 3, "--log",
    )  # fmt: skip
    (cycle,) = answer["cycles"]
    assert "errors" not in cycle
    held = [text for text in answer["log"] if "and is held up" in text]
    assert len(held) == 1, answer["log"]
    late = "for plugin 'conform', and is held up: its code waits for the producer of burn"
    line = author.at("every way to part them")
    assert f"{late}, in a call that does not release the GIL, at {line} in match" in held[0]
    # parse_event was late, and not at fault: nothing was raised in it.
    assert not [text for text in answer["log"] if "HookTimeoutError" in text]


DECLARED = """
import ctypes
from falcokit import FieldExtraction, json_field
class P(Plugin, AsyncEvents, FieldExtraction):
    declared = json_field("held.n", "/n", type=int, desc="Needs no Python")
    @async_event("burn", every=60)
    def burn(self):
        time.sleep(0.5)  # or start_async, on another thread, would have to wait
        ctypes.PyDLL(None).usleep(9_000_000)
"""


def test_declared_fields_and_sources_go_on_meanwhile(
    write_plugin: WritePlugin, plughost: Plughost, real_host: RealHost
) -> None:
    """B12"""
    author = write_plugin(DECLARED)
    answer = plughost.raw(
        "--plugin", real_host.baseline, "--init", '{"async":0}', "--open", "1000000000,1,8",
        "--plugin", author.library, "--fields", "held.n", "--secs", 2, "--log",
    )  # fmt: skip
    (cycle,) = answer["cycles"]
    assert cycle["end"] == "time"
    assert cycle["max_gap_ms"] < 1500  # of nine seconds
    # Only the end is late, and says why.
    said = [text for text in answer["log"] if "did not return within 5 s" in text]
    assert len(said) == 1, answer["log"]
    line = author.at("usleep(9_000_000)")
    held = f"producer of burn, in a call that does not release the GIL, at {line} in burn"
    late = "stop_async of plugin 'conform' did not return within 5 s: it is held up by the"
    assert f"{late} {held}" in said[0]
