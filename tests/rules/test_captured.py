# SPDX-License-Identifier: Apache-2.0
"""Rules on events of captures, and the recorded outputs on async events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from golden_fields import RECORDED

from falcokit.capture import CaptureWriter, open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.rules import Engine, LoadedPlugin, RulesFile, captured_batch, load_rules

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.capture import Event
    from falcokit.rules import Alert, Ruleset

EVENTS = [
    ("tick", b"hello"),
    ("tick", b'{"n":1,"who":"root"}'),
    ("tock", b""),
    ("disk-usage", b"90 percent"),
    ("dots.in.name", b"a=b, c"),
    ("utf", "é中".encode()),
    ("bin", bytes(range(8))),
]
RECORD: dict[str, Any] = json.loads((RECORDED / "async.json").read_text())
PLUGIN = LoadedPlugin(
    name="goldasync",
    version="0.1.0",
    async_events=tuple(dict.fromkeys(name for name, _ in EVENTS)),
)
HOSTNAME = "(the machine's name)"


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """The seven events, and the one that Falco's engine without a driver makes by itself."""
    file = tmp_path_factory.mktemp("captured") / "async.scap"
    code = next(event.id for event in event_table().events if event.name == "scapevent")
    with file.open("wb") as stream, CaptureWriter(stream) as writer:
        for n, (name, data) in enumerate(EVENTS):
            writer.async_event(name, data, ts_ns=1_700_000_000_000_000_000 + n)
        writer.event(code, [bytes(4), bytes(8)], ts_ns=1_700_000_000_000_000_009)
    with open_capture(file) as capture:
        return list(capture)


def loaded(condition: str, output: str, **more: Any) -> Ruleset:
    rule = {"rule": "A", "desc": "d", "priority": "INFO"}
    rule |= {"condition": condition, "output": output, **more}
    content = json.dumps([rule]).encode()
    return load_rules([RulesFile(name="r", content=content)], plugins=[PLUGIN])


def alerts(ruleset: Ruleset, events: list[Event], **options: Any) -> list[Alert]:
    assert ruleset.errors == ()
    return Engine(ruleset, **options).process(captured_batch(events, hostname=HOSTNAME))


@pytest.mark.parametrize("case", RECORD["outputs"], ids=lambda case: case["output"])
def test_an_output_on_async_events(events: list[Event], case: dict[str, Any]) -> None:
    ruleset = loaded("evt.is_async=true", case["output"])
    if "error" in case:
        assert [error.code for error in ruleset.errors] == [case["error"][0]]
        return
    assert [found.code for found in ruleset.warnings] == [code for code, _ in case["warnings"]]
    found = alerts(ruleset, events)
    assert [alert.message for alert in found] == case["texts"]
    assert not any(alert.unknown_fields for alert in found)


@pytest.mark.parametrize("case", RECORD["conditions"], ids=lambda case: case["condition"])
def test_a_condition_on_async_events(events: list[Event], case: dict[str, Any]) -> None:
    ruleset = loaded(case["condition"], "%evt.asynctype|%evt.arg.data")
    if "error" in case:
        assert [error.code for error in ruleset.errors] == [case["error"][0]]
        return
    falcos = [found.code for found in ruleset.warnings if found.is_falcos]
    assert falcos == [code for code, _ in case.get("warnings", [])]
    found = [alert.message for alert in alerts(ruleset, events)]
    expected = list(case["events"])
    if case["also_scapevent"]:
        expected.append("scapevent|<NA>")
    assert found == expected
    possible = alerts(ruleset, events, possible=True)
    assert not any(alert.possible for alert in possible)


def test_what_a_capture_does_not_have_is_unknown(tmp_path: Path) -> None:
    table = event_table().events
    code = next(each.id for each in table if each.name == "close" and each.dir == "<")
    params = [bytes(8)] * len(table[code].params)
    file = tmp_path / "close.scap"
    with file.open("wb") as stream, CaptureWriter(stream) as writer:
        writer.event(code, params, ts_ns=1, tid=7)
    with open_capture(file) as capture:
        stored = list(capture)
    ruleset = loaded("evt.type=close and proc.name=cat", "%thread.tid %proc.name %evt.res")
    assert alerts(ruleset, stored) == []
    (alert,) = alerts(ruleset, stored, possible=True)
    assert alert.possible
    assert alert.message == "7 <unknown> SUCCESS"
    assert alert.unknown_fields == ("proc.name",)
    assert alerts(loaded("evt.type=open and proc.name=cat", "o"), stored, possible=True) == []
