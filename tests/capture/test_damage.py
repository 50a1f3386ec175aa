# SPDX-License-Identifier: Apache-2.0
"""Damaged and hostile files: every complete event is delivered, one notice says the rest."""

from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scap_builder import Builder

from falcokit.capture import CaptureError, Notice, open_capture, summarize
from falcokit.capture.file.blocks import MAX_BLOCK_BYTES, MAX_EVENT_BYTES
from falcokit.capture.file.byte_streams import Input, open_stream
from falcokit.capture.format.errors import MAX_NOTICES
from falcokit.capture.summary.summarize import MAX_STREAMS

if TYPE_CHECKING:
    from pathlib import Path

BUILD = Builder()
HEAD = BUILD.section() + BUILD.machine()
EVENTS = [BUILD.async_event(b"tick", bytes([65 + n]) * n) for n in range(6)]
WHOLE = HEAD + b"".join(EVENTS)
#: Where each event is complete.
ENDS = [len(HEAD) + sum(map(len, EVENTS[: n + 1])) for n in range(len(EVENTS))]

steady = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def read(path: Path, content: bytes) -> tuple[list[bytes], tuple[Notice, ...]]:
    path.write_bytes(content)
    with open_capture(path) as capture:
        return [event.data for event in capture], capture.notices


def test_a_cut_at_any_byte_keeps_every_event_before_it(tmp_path: Path) -> None:
    path = tmp_path / "cut.scap"
    for cut in range(len(BUILD.section()), len(WHOLE)):
        events, notices = read(path, WHOLE[:cut])
        assert len(events) == sum(end <= cut for end in ENDS)
        at_boundary = cut in {len(BUILD.section()), len(HEAD), *ENDS}
        assert [n.kind for n in notices] == ([] if at_boundary else ["truncated"])


def test_a_cut_inside_the_first_header_leaves_nothing_to_read(tmp_path: Path) -> None:
    for cut in range(len(BUILD.section())):
        with pytest.raises(CaptureError) as caught:
            read(tmp_path / "cut.scap", WHOLE[:cut])
        assert caught.value.exit_code == 1
        assert caught.value.hint


def test_a_gzip_stream_cut_at_any_byte_keeps_what_can_be_inflated(tmp_path: Path) -> None:
    path, packed = tmp_path / "cut.scap", gzip.compress(WHOLE, mtime=0)
    before = 0
    for cut in range(40, len(packed)):
        try:
            events, notices = read(path, packed[:cut])
        except CaptureError:
            assert before == 0
            continue
        inflated = zlib.decompressobj(31).decompress(packed[:cut])
        assert len(events) == sum(end <= len(inflated) for end in ENDS)
        assert len(events) >= before
        assert len(notices) == 1
        assert "cut short" in notices[0].message
        before = len(events)
    assert before == len(EVENTS)  # all were there before the checksum was


def test_a_wrong_gzip_checksum_costs_no_event(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(WHOLE, mtime=0))
    packed[-6] ^= 0xFF
    events, notices = read(tmp_path / "crc.scap", bytes(packed))
    assert len(events) == len(EVENTS)
    assert [notice.kind for notice in notices] == ["damaged"]
    assert "incorrect data check" in notices[0].message


def test_corruption_deep_in_a_gzip_stream_keeps_the_events_before_it(tmp_path: Path) -> None:
    compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
    good = compressor.compress(WHOLE) + compressor.flush(zlib.Z_FULL_FLUSH)
    events, notices = read(tmp_path / "bad.scap", good + b"\xff" * 64)
    assert len(events) == len(EVENTS)
    assert len(notices) == 1
    assert "corrupt" in notices[0].message


@pytest.mark.parametrize("level", [0, 1, 9])
def test_all_that_zlib_makes_before_a_fault_is_kept(level: int) -> None:
    rng = random.Random(level)
    content = b"".join(rng.choice([rng.randbytes(40), b"text " * 30]) for _ in range(100))
    packed = gzip.compress(content, level, mtime=0)
    for _ in range(10):
        damaged = bytearray(packed)
        damaged[rng.randrange(10, len(packed))] ^= rng.randint(1, 255)
        inflater, kept = zlib.decompressobj(31), b""
        with suppress(zlib.error):
            for at in range(len(damaged)):  # a byte at a time, in and out
                tail = bytes(damaged[at : at + 1])
                while (part := inflater.decompress(tail, 1)) or inflater.unconsumed_tail:
                    kept, tail = kept + part, inflater.unconsumed_tail
        stream = open_stream(Input(BytesIO(damaged)))
        assert b"".join(iter(stream.pull, b"")) == kept


def test_gzip_members_one_after_another_are_one_stream(tmp_path: Path) -> None:
    packed = b"".join(
        gzip.compress(WHOLE[start : start + 37]) for start in range(0, len(WHOLE), 37)
    )
    events, notices = read(tmp_path / "members.scap", packed)
    assert events == [b"", b"B", b"CC", b"DDD", b"EEEE", b"FFFFF"]
    assert notices == ()


def test_junk_behind_the_gzip_stream_is_told_once(tmp_path: Path) -> None:
    events, notices = read(tmp_path / "junk.scap", gzip.compress(WHOLE) + b"junk")
    assert len(events) == len(EVENTS)
    assert [notice.message for notice in notices] == ["junk after the gzip stream"]


def test_a_wrong_trailer_ends_the_reading_before_its_block(tmp_path: Path) -> None:
    bad = BUILD.block(0x221, bytes(40), trailer=1234)
    events, notices = read(tmp_path / "trailer.scap", HEAD + EVENTS[0] + bad + EVENTS[1])
    assert len(events) == 1
    assert [notice.kind for notice in notices] == ["damaged"]
    assert "two lengths" in notices[0].message
    assert notices[0].offset == len(HEAD + EVENTS[0])


def test_unknown_blocks_are_passed_over_and_counted(tmp_path: Path) -> None:
    strange = BUILD.block(0x0BAD, b"?" * 9)
    path = tmp_path / "strange.scap"
    path.write_bytes(HEAD + strange + EVENTS[0] + strange * 2 + BUILD.machine() + EVENTS[1])
    summary = summarize(path)
    assert summary.events.count == 2
    assert summary.unknown_blocks == 3
    (notice,) = summary.notices
    assert (notice.kind, notice.count) == ("unknown-block", 3)
    assert "0xbad" in notice.message


def test_an_event_with_an_impossible_length_is_passed_over(tmp_path: Path) -> None:
    for length in (0, 25, 200, 2**32 - 1):
        body = BUILD.pack("HQQIHI", 0, 1, 1, length, 5, 0)
        path = tmp_path / "length.scap"
        path.write_bytes(HEAD + BUILD.block(0x216, body) + BUILD.block(0x216, b"") + EVENTS[0])
        summary = summarize(path)
        assert summary.events.count == 1
        assert summary.events.malformed == 2
        assert [notice.kind for notice in summary.notices] == ["malformed-event"]


@pytest.mark.parametrize("code", [0x202, 0x203, 0x205, 0x206, 0x209, 0x215, 0x218, 0x219, 0x220])
@pytest.mark.parametrize("filler", [0x00, 0x01, 0x7F, 0xFF])
def test_nonsense_in_a_list_is_told_and_does_not_stop_the_events(
    tmp_path: Path, code: int, filler: int
) -> None:
    nonsense = BUILD.block(code, bytes([filler]) * 9000)
    events, notices = read(tmp_path / "lists.scap", BUILD.section() + nonsense + EVENTS[2])
    assert events == [b"CC"]
    assert {notice.kind for notice in notices} <= {"metadata"}


def test_a_huge_declared_length_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.scap"
    for total in (0xFFFFFFFC, MAX_BLOCK_BYTES):
        content = WHOLE + BUILD.pack("II", 0x221, total) + bytes(100)
        tracemalloc.start()
        events, notices = read(path, content)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(events) == len(EVENTS)
        assert [notice.kind for notice in notices] == ["truncated"]
        assert peak < 8 * 1024 * 1024


def test_a_small_gzip_file_that_inflates_hugely_takes_little_memory(tmp_path: Path) -> None:
    size = MAX_EVENT_BYTES + 4096
    packed = BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(WHOLE + BUILD.pack("II", 0x221, size))
        for _ in range(0, size - 12, 1024 * 1024):
            file.write(bytes(min(1024 * 1024, size - 12)))
    content = packed.getvalue()
    tracemalloc.start()
    events, notices = read(tmp_path / "bomb.scap", content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(events) == len(EVENTS)
    assert notices[0].kind == "large-block"
    assert peak < 8 * 1024 * 1024


def test_a_block_too_large_to_hold_is_passed_over_and_reading_goes_on(tmp_path: Path) -> None:
    huge = BUILD.block(0x221, bytes(MAX_EVENT_BYTES))
    events, notices = read(tmp_path / "large.scap", HEAD + huge + EVENTS[3])
    assert events == [b"DDD"]
    assert [notice.kind for notice in notices] == ["large-block"]


def test_a_first_header_too_large_to_hold_leaves_nothing_to_read(tmp_path: Path) -> None:
    huge = BUILD.section(options=bytes(MAX_BLOCK_BYTES))
    with pytest.raises(CaptureError, match="too large"):
        read(tmp_path / "head.scap", huge + EVENTS[3])


def test_notices_sections_and_streams_stay_bounded(tmp_path: Path) -> None:
    path = tmp_path / "many.scap"
    strange = b"".join(BUILD.block(0x10000 + n, b"") for n in range(MAX_NOTICES * 2))
    names = b"".join(BUILD.async_event(b"n%d" % n, b"") for n in range(MAX_STREAMS + 5))
    path.write_bytes(BUILD.section() * 500 + strange + names)
    with open_capture(path) as capture:
        list(capture)
        assert capture.section_count == 500
        assert len(capture.sections) < 100
        assert len(capture.notices) == MAX_NOTICES + 1
    summary = summarize(path)
    assert len(summary.async_events) == MAX_STREAMS
    assert summary.events.count == MAX_STREAMS + 5


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"#!/bin/sh\necho no capture\n", "no section header"),
        (b"\x7fELF" + bytes(60), "program or library"),
        (b"\x28\xb5\x2f\xfd" + bytes(60), "zstd"),
        (b"\xd4\xc3\xb2\xa1" + bytes(60), "pcap network capture"),
        (gzip.compress(b"text that is no capture"), "no section header"),
        (b"\x1f\x8b" + bytes(60), "corrupt"),
        (BUILD.section(major=2) + EVENTS[0], "format version 2.2"),
        (BUILD.section() + BUILD.block(6, bytes(40)), "without a single event"),
        (BUILD.pack("III", 0x0A0D0D0A, 16, 0x1A2B3C4D) + BUILD.pack("I", 16), "too short"),
    ],
    ids=(
        *("nothing", "script", "program", "zstd", "pcap", "text in gzip", "damaged gzip"),
        *("next version", "no events", "short header"),
    ),
)
def test_a_file_that_is_no_capture_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "file.scap"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=reason) as caught:
        open_capture(path)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="is a folder"):
        open_capture(tmp_path)
    with pytest.raises(CaptureError, match="does not exist"):
        open_capture(tmp_path / "missing.scap")


@steady
@given(
    edits=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=4),
    packed=st.booleans(),
)
def test_changed_bytes_never_raise_anything_but_a_capture_error(
    tmp_path: Path, edits: list[tuple[int, int]], packed: bool
) -> None:
    content = bytearray(gzip.compress(WHOLE, mtime=0) if packed else WHOLE)
    for at, value in edits:
        content[at % len(content)] = value
    path = tmp_path / "mutated.scap"
    path.write_bytes(bytes(content))
    try:
        summary = summarize(path)
    except CaptureError:
        return
    untouched = min((at for at, _ in edits), default=len(WHOLE))
    if not packed:
        assert summary.events.count >= sum(end <= untouched for end in ENDS)


@steady
@given(tail=st.binary(max_size=600))
def test_random_bytes_behind_good_events_never_cost_one(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "tail.scap"
    path.write_bytes(WHOLE + tail)
    assert summarize(path).events.count >= len(EVENTS)
