# SPDX-License-Identifier: Apache-2.0
"""Filters on async events answer as a real Falco's rules on the syscall source did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scap_builder import T0, Builder

from falcokit.capture import open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.filter.compile import compile_filter
from falcokit.filter.errors import FilterError

if TYPE_CHECKING:
    from falcokit.capture.events.event import Event

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "rules" / "recorded" / "async.json").read_text()
)["conditions"]

#: What the recorded plugin emitted, and what Falco showed as its data.
EMITTED = [
    (b"tick", b"hello", "hello"),
    (b"tick", b'{"n":1,"who":"root"}', '{"n":1,"who":"root"}'),
    (b"tock", b"", "NULL"),
    (b"disk-usage", b"90 percent", "90 percent"),
    (b"dots.in.name", b"a=b, c", "a=b, c"),
    (b"utf", "\u00e9\u4e2d".encode(), "....."),
    (b"bin", bytes(range(8)), "........"),
]
#: A stored event does not say which names are declared: such a filter matches nothing.
NAMES = {"evt.type=nosuchname"}
#: These need a process or a loaded plugin, and matched nothing.
REFUSED = {"evt.pluginname=goldasync", "evt.is_async=true and proc.name exists"}


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    builder = Builder()
    (scapevent,) = [e.id for e in event_table().events if e.name == "scapevent" and e.params]
    blocks = [builder.event(scapevent, [builder.pack("I", 1), builder.pack("Q", 0)], ts=T0)]
    for n, (name, data, _) in enumerate(EMITTED, start=1):
        blocks.append(builder.async_event(name, data, plugin_id=0, ts=T0 + n))
    path = tmp_path_factory.mktemp("async") / "async.scap"
    path.write_bytes(builder.section() + b"".join(blocks))
    with open_capture(path) as capture:
        return list(capture)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["condition"])
def test_a_filter_on_async_events_answers_as_in_falco(
    events: list[Event], case: dict[str, Any]
) -> None:
    text = case["condition"]
    if text in REFUSED:
        assert case["events"] == []
        with pytest.raises(FilterError):
            compile_filter(text)
        return
    chosen = compile_filter(text)
    found = [
        "scapevent" if n == 0 else f"{EMITTED[n - 1][0].decode()}|{EMITTED[n - 1][2]}"
        for n, event in enumerate(events)
        if chosen.matches(event)
    ]
    wanted = [] if text in NAMES else case["events"]
    assert found == ["scapevent"] * bool(case.get("also_scapevent")) + wanted
