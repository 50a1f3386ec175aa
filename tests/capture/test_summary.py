# SPDX-License-Identifier: Apache-2.0
"""The summary's figures, and its JSON document held against the shipped schema."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scap_builder import NOT_SET, T0, Builder
from schema_check import check

import falcokit.capture.summary
from falcokit.capture import open_capture, summarize
from falcokit.capture.format.text import json_text
from falcokit.capture.summary.summary import summary_object

pytestmark = pytest.mark.python

SECOND = 1_000_000_000
BUILD = Builder()
SCHEMA = json.loads(
    Path(falcokit.capture.summary.__file__).with_name("summary.schema.json").read_text()
)
SAMPLES = sorted(Path(__file__).with_name("samples").glob("*.scap"))


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.scap"
    live = [BUILD.async_event(b"tick", b"%d" % n, plugin_id=999, ts=T0 + n * SECOND // 4)
            for n in range(9)]  # fmt: skip
    path.write_bytes(
        BUILD.section()
        + BUILD.machine()
        + BUILD.async_event(b"tick", b"dumped", ts=NOT_SET)
        + BUILD.plugin_event(999, b"\xff\x00", ts=T0)
        + b"".join(live)
        + BUILD.plugin_event(7, b"later", ts=T0 + 10 * SECOND)
        + BUILD.event(5, [bytes(8), bytes(8)], ts=T0 + SECOND, flags=1)
        + BUILD.event(402, [b"", b"", b""])
        + BUILD.event(700, [])
    )
    return path


def test_async_events_are_told_apart_by_name_and_plugin_id(mixed: Path) -> None:
    live, dumped = summarize(mixed).async_events
    assert (live.name, live.plugin_id, live.count, live.size) == ("tick", 999, 9, 9)
    assert live.rate == pytest.approx(4.0)
    assert (live.first_ns, live.last_ns, live.last_data) == (T0, T0 + 2 * SECOND, b"8")
    assert (dumped.plugin_id, dumped.count, dumped.untimed) == (0, 1, 1)
    assert (dumped.first_ns, dumped.rate, dumped.last_data) == (None, None, b"dumped")


def test_plugin_events_are_counted_by_plugin_id(mixed: Path) -> None:
    summary = summarize(mixed)
    assert [(s.plugin_id, s.count, s.size) for s in summary.plugin_events] == [
        (7, 1, 5),
        (999, 1, 2),
    ]
    assert summary.plugin_ids == (7, 999)


def test_dumped_state_stays_out_of_the_time_range(mixed: Path) -> None:
    summary = summarize(mixed)
    assert summary.time is not None
    assert (summary.time.first_ns, summary.time.duration_ns) == (T0, 10 * SECOND)
    assert summary.events.untimed == 1
    assert summary.events.leading_state == 1
    assert summary.events.state_only == 1
    assert summary.events.malformed == 1


def test_a_capture_without_events_says_that_a_replay_refuses_it(tmp_path: Path) -> None:
    path = tmp_path / "none.scap"
    path.write_bytes(BUILD.section() + BUILD.machine())
    summary = summarize(path)
    assert summary.time is None
    assert [notice.kind for notice in summary.notices] == ["no-events"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_document_of_a_real_capture_fits_the_schema(path: Path) -> None:
    check(summary_object(summarize(path)), SCHEMA, SCHEMA)


def test_the_document_with_events_fits_the_schema(mixed: Path) -> None:
    with open_capture(mixed) as capture:
        document = summary_object(summarize(mixed), list(capture))
    check(document, SCHEMA, SCHEMA)
    assert document == json.loads(json_text(document, indent=2))
    assert [event["type"] for event in document["listed"][:3]] == ["tick", "pluginevent", "tick"]
    assert document["listed"][0]["data"] == "dumped"
    assert document["listed"][1]["data_base64"] == "/wA="
    assert "lacks a parameter" in document["listed"][-2]["malformed"]


def test_the_schema_check_can_fail() -> None:
    document = summary_object(summarize(SAMPLES[0]))
    for broken in (
        document | {"version": 2},
        document | {"surprise": 1},
        document | {"plugin_ids": ["1"]},
        {key: value for key, value in document.items() if key != "file"},
    ):
        with pytest.raises(AssertionError):
            check(broken, SCHEMA, SCHEMA)


def test_the_document_holds_nothing_a_terminal_acts_on(tmp_path: Path) -> None:
    path = tmp_path / "hostile.scap"
    payload = "\x1b[2J\x07\x7f\x9b31m\u202e".encode()
    path.write_bytes(BUILD.section() + BUILD.async_event(b"a\x1b]0;x\x07", payload))
    text = json_text(summary_object(summarize(path)), indent=2)
    assert text.isascii()
    assert all(char.isprintable() or char == "\n" for char in text)
    assert json.loads(text)["async_events"][0]["last"]["data"] == payload.decode()


def test_a_long_payload_cut_inside_a_character_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "long.scap"
    path.write_bytes(BUILD.section() + BUILD.plugin_event(1, "aé".encode() * 999))
    last = summary_object(summarize(path))["plugin_events"][0]["last"]
    assert last["data_size"] == 2997
    assert last["data"].startswith("aéaé")
