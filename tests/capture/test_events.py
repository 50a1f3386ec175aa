# SPDX-License-Identifier: Apache-2.0
"""What an event block says: golden blocks that the framework accepts, and built ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from scap_builder import NOT_SET, T0, Builder

from falcokit.capture import Event, MalformedEventError, open_capture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.python

SHB = "0a0d0d0a1c0000004d3c2b1a01000200ffffffffffffffff1c000000"
PLUGIN = (
    "2102000038000000000015cd853dfe9c9717ffffffffffffffff29000000420102000000"
    "0400000003000000070000006162630038000000"
)
ASYNC = (
    "21020000400000000000ffffffffffffffff010000000000000032000000920103000000"
    "040000000500000003000000000000007469636b007b7d0040000000"
)
CLOSE = (
    "17020000400000000100"
    "0100000015cd853dfe9c97172a000000000000002e000000050002000000"
    "08000800000000000000000003000000000000004000"
    "0000"
)
BOTH_ORDERS = pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])


def read(path: Path, content: bytes) -> list[Event]:
    path.write_bytes(content)
    with open_capture(path) as capture:
        events = list(capture)
        assert capture.notices == ()
    return events


def test_golden_blocks_are_decoded(tmp_path: Path) -> None:
    events = read(tmp_path / "golden.scap", bytes.fromhex(SHB + PLUGIN + ASYNC + CLOSE))
    plugin, asynchronous, close = events
    assert (plugin.code, plugin.plugin_id, plugin.data) == (322, 7, b"abc")
    assert (plugin.ts_ns, plugin.tid, plugin.size) == (1700000000123456789, None, 41)
    assert (asynchronous.type, asynchronous.plugin_id) == ("tick", 0)
    assert (asynchronous.data, asynchronous.ts_ns, asynchronous.tid) == (b"{}\0", None, 1)
    assert (close.type, close.cpu, close.tid, close.state_only) == ("close", 1, 42, True)
    assert close.params == (bytes(8), (3).to_bytes(8, "little"))
    assert close.plugin_id is None
    assert close.async_name is None
    assert close.data == b""


@BOTH_ORDERS
def test_either_byte_order_reads_the_same(tmp_path: Path, big_endian: bool) -> None:
    build = Builder(big_endian=big_endian)
    content = (
        build.section()
        + build.machine(b"mainframe")
        + build.async_event(b"tick", b"one", plugin_id=3, ts=T0 + 1)
        + build.event_v1(5, [build.pack("q", -2), build.pack("q", 9)], flags=1)
        + build.event(5, [bytes(8), bytes(8)], cpu=300, tid=77)
    )
    path = tmp_path / "order.scap"
    path.write_bytes(content)
    with open_capture(path) as capture:
        tick, old, new = capture
        assert capture.sections[0].byte_order == ("big" if big_endian else "little")
        assert capture.machine is not None
        assert capture.machine.hostname == "mainframe"
        assert capture.notices == ()
    assert (tick.type, tick.plugin_id, tick.ts_ns, tick.data) == ("tick", 3, T0 + 1, b"one")
    assert (old.tid, old.state_only, old.stored_params) == (7, True, None)
    assert old.params == (build.pack("q", -2), build.pack("q", 9))
    assert (new.cpu, new.tid) == (300, 77)


def test_sections_of_different_byte_orders_follow_each_other(tmp_path: Path) -> None:
    content = b"".join(
        build.section() + build.async_event(b"tick", b"x")
        for build in (Builder(), Builder(big_endian=True), Builder())
    )
    events = read(tmp_path / "mixed.scap", content)
    assert [(e.number, e.type, e.leading) for e in events] == [(n, "tick", True) for n in (1, 2, 3)]


def test_only_the_leading_run_of_a_section_is_state(tmp_path: Path) -> None:
    build = Builder()
    content = (
        build.section()
        + build.event(354, [b""] * 6)
        + build.async_event(b"state", b"", ts=NOT_SET)
        + build.plugin_event(5, b"live")
        + build.async_event(b"tick", b"")
    )
    events = read(tmp_path / "state.scap", content)
    assert [event.leading for event in events] == [True, True, False, False]


def test_a_payload_beyond_64_kib_is_whole(tmp_path: Path) -> None:
    build, data = Builder(), bytes(range(256)) * 4096
    (event,) = read(tmp_path / "large.scap", build.section() + build.plugin_event(9, data))
    assert event.data == data


@pytest.mark.parametrize(
    ("block", "width"), [(0x221, "H"), (0x216, "H"), (0x216, "I"), (0x221, "I")]
)
def test_plugin_events_are_read_with_either_width_of_lengths(
    tmp_path: Path, block: int, width: str
) -> None:
    build = Builder()
    content = build.section() + build.event(
        322, [build.pack("I", 4), b"payload"], block=block, width=width
    )
    (event,) = read(tmp_path / "width.scap", content)
    assert (event.plugin_id, event.data) == (4, b"payload")


def test_old_writers_stored_the_length_of_notifications_too_large(tmp_path: Path) -> None:
    build = Builder()
    content = build.section(minor=0) + build.event_v1(280, [b"id\0", b"text\0!"], extra=3)
    (event,) = read(tmp_path / "old.scap", content)
    assert event.params == (b"id\0", b"text\0!")


@pytest.mark.parametrize("count", [0, 1, 2, 5, 9])
def test_an_event_may_have_fewer_or_more_parameters_than_its_type(
    tmp_path: Path, count: int
) -> None:
    build = Builder()
    params = [bytes([n]) * n for n in range(count)]
    (event,) = read(tmp_path / "count.scap", build.section() + build.event(5, params))
    assert event.params == tuple(params)


def test_an_unknown_code_is_delivered_with_raw_parameters(tmp_path: Path) -> None:
    build = Builder()
    (event,) = read(tmp_path / "new.scap", build.section() + build.event(9001, [b"a", b"bc"]))
    assert (event.type, event.event_type, event.params) == ("unknown-9001", None, (b"a", b"bc"))


def test_parameters_that_overrun_their_event_are_refused_when_asked(tmp_path: Path) -> None:
    build = Builder()
    data = build.pack("HH", 8, 60000) + bytes(8)
    body = build.pack("HQQIHI", 0, T0, 1, 26 + len(data), 5, 2) + data
    (event,) = read(tmp_path / "over.scap", build.section() + build.block(0x216, body))
    assert event.type == "close"
    with pytest.raises(MalformedEventError, match="parameters of event 1 overrun it"):
        _ = event.params


def test_an_async_event_without_a_name_still_has_a_type(tmp_path: Path) -> None:
    build = Builder()
    (event,) = read(tmp_path / "odd.scap", build.section() + build.event(402, [b"\1"]))
    assert event.type == "asyncevent"
    with pytest.raises(MalformedEventError, match="lacks a parameter"):
        _ = event.plugin_id


def test_remarks_that_an_editor_put_into_the_header_are_read(tmp_path: Path) -> None:
    build = Builder()
    options = build.pack("HH", 1, 5) + b"hello\0\0\0" + build.pack("HH", 4, 9) + b"Wireshark\0\0\0"
    path = tmp_path / "edited.scap"
    path.write_bytes(build.section(options=options + bytes(4)) + build.plugin_event(1, b""))
    with open_capture(path) as capture:
        assert (capture.sections[0].comment, capture.sections[0].application) == (
            "hello",
            "Wireshark",
        )
        assert len(list(capture)) == 1
    path.write_bytes(build.section(options=build.pack("HH", 1, 60000)) + build.machine())
    with open_capture(path) as capture:
        assert capture.sections[0].comment is None


def test_options_behind_an_event_do_not_disturb_it(tmp_path: Path) -> None:
    build = Builder()
    data = build.pack("II", 4, 3) + build.pack("I", 5) + b"abc"
    body = build.pack("HQQIHI", 0, T0, NOT_SET, 26 + len(data), 322, 2) + data
    body += bytes(-len(body) % 4) + build.pack("HH", 1, 4) + b"note" + bytes(4)
    (event,) = read(tmp_path / "note.scap", build.section() + build.block(0x221, body))
    assert (event.plugin_id, event.data) == (5, b"abc")
