# SPDX-License-Identifier: Apache-2.0
"""The plugins of docs/moving.md do what the ones beside them do in the other SDKs."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from falcokit import make_event
from falcokit.testing import start_plugin

PAGE = (Path(__file__).parents[2] / "docs" / "moving.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for code in BLOCKS:
        module = types.ModuleType("moving_block")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(code, "moving.md", "exec"), module.__dict__)
        found |= vars(module)
    return found


def test_the_source_gives_numbers_and_the_field_reads_them(plugins: dict[str, Any]) -> None:
    with start_plugin(plugins["Ticks"]) as running, running.open() as source:
        events = source.events(2, timeout=10.0)
        assert [running.extract("ticks.n", event) for event in events] == [1, 2]


def test_the_beats_are_emitted(plugins: dict[str, Any]) -> None:
    with start_plugin(plugins["Beats"]) as running:
        event = running.next_event(timeout=10.0)
        assert (event.name, event.data) == ("beat", b"hello")


def test_the_opened_files_are_counted_in_falcos_threads(plugins: dict[str, Any]) -> None:
    threads: Any = {7: {}}
    with start_plugin(plugins["Opens"], tables={"threads": threads}) as running:
        for _ in range(2):
            running.parse(make_event("<openat", tid=7, fd=3, name="/a"))
    assert threads[7]["opened"] == 2
