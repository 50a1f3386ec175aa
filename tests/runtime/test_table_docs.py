# SPDX-License-Identifier: Apache-2.0
"""The plugins of docs/parsing.md and docs/tables.md work, on tables and events of a test."""

from __future__ import annotations

import struct
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from test_event_params import event

from falcokit import Event
from falcokit.testing import start_plugin

pytestmark = pytest.mark.python

DOCS = Path(__file__).parents[2] / "docs"


def module(page: str, monkeypatch: pytest.MonkeyPatch, block: int = 0) -> Any:
    code = (DOCS / page).read_text().split("```python\n")[1 + block].partition("```")[0]
    made = types.ModuleType("page_block")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(code, page, "exec"), made.__dict__)
    return made


def openat(path: bytes) -> Event:
    fd = struct.pack("=q", 3)
    raw = bytearray(event(307, fd, fd, path + b"\0", b"", b"", b"", b""))
    raw[8:16] = struct.pack("=Q", 1)  # tid
    return Event.from_bytes(bytes(raw), source="syscall")


def test_the_plugin_of_the_parsing_page(monkeypatch: pytest.MonkeyPatch) -> None:
    with start_plugin(module("parsing.md", monkeypatch).Openings) as running:
        for path in (b"/a", b"/b", b"/a"):
            running.parse(openat(path))
        assert running.plugin.opened == {"/a": 2, "/b": 1}


def test_the_dumping_plugin_of_the_parsing_page(monkeypatch: pytest.MonkeyPatch) -> None:
    logins = module("parsing.md", monkeypatch, 1).Logins
    with start_plugin(logins) as running:
        running.next_event()
        state = running.dump_state()
    with start_plugin(logins, capture=False) as reading:
        for known in state:
            reading.parse(known)
        assert reading.plugin.users == {"root"}


def test_the_plugin_of_the_tables_page(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: Any = {1: {"comm": "init"}}
    score = module("tables.md", monkeypatch).Score
    with start_plugin(score, tables={"threads": threads}) as running:
        running.parse(openat(b"/a"))
        assert not running.logs
    assert threads == {1: {"comm": "init", "opened": 1}}
