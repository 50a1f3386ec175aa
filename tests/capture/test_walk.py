# SPDX-License-Identifier: Apache-2.0
"""The walk in C and the one in Python: the same summary of the same bytes, in little memory."""

from __future__ import annotations

import gzip
import io
import subprocess
from pathlib import Path

import pytest
from fuzz_harness import read_both
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scap_builder import NOT_SET, T0, Builder

import falcokit.capture.native.scan
from falcokit.capture import Summary, open_capture, summarize
from falcokit.capture.native.scan import NATIVE_FROM_BYTES, library
from falcokit.capture.native.selection import EventQuery
from falcokit.capture.summary.histogram import MAX_BINS
from falcokit.capture.summary.streams import MAX_STREAMS
from falcokit.capture.summary.summarize import Tally
from falcokit.errors import ToolMissingError

SAMPLES = sorted(Path(__file__).with_name("samples").glob("*.scap"))
BUILD, OTHER = Builder(), Builder(big_endian=True)
HEAD = BUILD.section() + BUILD.machine()
ALL = EventQuery()
TICKS = [BUILD.async_event(b"tick", bytes([65 + n]) * n) for n in range(6)]
WHOLE = HEAD + b"".join(TICKS)


def both(content: bytes, step: int = 65536) -> Summary:
    summary = read_both(content, step, ALL).summary
    assert summary is not None
    return summary


def event(code: int, params: int, *, tid: int = 1, build: Builder = BUILD) -> bytes:
    return build.event(code, [bytes(8)] * params, tid=tid)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("step", [999, 65536])
def test_a_real_capture_has_one_summary_and_no_notice(path: Path, step: int) -> None:
    assert both(path.read_bytes(), step).notices == ()


def test_a_cut_at_any_byte_is_told_the_same() -> None:
    for cut in range(len(WHOLE)):
        read_both(WHOLE[:cut], 65536, ALL)
    packed = gzip.compress(WHOLE, mtime=0)
    for cut in range(0, len(packed), 3):
        read_both(packed[:cut], 65536, ALL)


DAMAGED = {
    "trailer": HEAD + TICKS[0] + BUILD.block(0x221, bytes(40), trailer=1234) + TICKS[1],
    "length": HEAD + TICKS[0] + BUILD.pack("II", 0x216, 8) + TICKS[1],
    "unknown": HEAD + TICKS[0] + BUILD.block(0xBAD, b"?" * 9) * 3 + BUILD.machine() + TICKS[1],
    "short": HEAD + TICKS[0] + BUILD.block(0x216, b"") + BUILD.block(0x208, bytes(27)) + TICKS[1],
    "events": HEAD + b"".join(
        BUILD.block(0x216, BUILD.pack("HQQIHI", 0, 1, 1, length, 5, 0))
        for length in (0, 25, 26, 27, 200, 2**32 - 1)
    ),
    "params": HEAD + b"".join(
        BUILD.block(0x221, BUILD.pack("HQQIHI", 0, 1, 1, 26 + 16, code, count) + bytes(16))
        for code in (0, 1, 322, 402) for count in (0, 1, 2, 3, 9, 2**32 - 1)
    ),
    "lists": BUILD.section() + BUILD.block(0x215, b"\x7f" * 900) + TICKS[2],
    "huge": WHOLE + BUILD.pack("II", 0x221, 0xFFFFFFFC) + bytes(100),
    "no section": BUILD.machine() + WHOLE,
    "version": HEAD + TICKS[0] + BUILD.section(major=2) + TICKS[1],
    "magic": HEAD + TICKS[0] + BUILD.pack("III", 0x0A0D0D0A, 28, 1) + bytes(16) + TICKS[1],
    "orders": b"".join(b.section() + b.async_event(b"x", b"") * 2 for b in (BUILD, OTHER) * 2),
    "wrong order": OTHER.section() + TICKS[0] + TICKS[1],
    "first version": BUILD.section() + b"".join(
        BUILD.event_v1(code, [b"ab", bytes(2)], flags=flags, extra=extra)
        for code in (0, 1, 5, 280, 286, 402, 700) for flags in (None, 1) for extra in (0, 3)
    ) * 2,
    "prerelease": HEAD + BUILD.event_v1(5, [b"ab"]).replace(
        BUILD.pack("I", 0x204), BUILD.pack("I", 0x8010ABCD)) * 3,
    "names": HEAD + b"".join(
        BUILD.async_event(name, b"data", plugin_id=n % 2)
        for name in (b"", b"\0\0", b"\xff", b"\\xff", b"n" * 64, b"n" * 65, b"n" * 5000)
        for n in range(4)
    ),
    "plugins": HEAD + b"".join(
        BUILD.plugin_event(n % 3, bytes(n), ts=(NOT_SET, 0, T0 + n)[n % 3]) for n in range(900)
    ),
    "junk": gzip.compress(WHOLE) + b"junk",
    "checksum": gzip.compress(WHOLE, mtime=0)[:-6] + bytes(6),
}  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("step", [50, 65536])
def test_what_is_odd_is_told_the_same(content: bytes, step: int) -> None:
    read_both(content, step, ALL)


@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    times=st.lists(st.one_of(st.integers(0, NOT_SET), st.integers(T0, T0 + 10**9)), max_size=60),
    big_endian=st.booleans(),
)
def test_events_over_time_add_up(times: list[int], big_endian: bool) -> None:
    build = Builder(big_endian=big_endian)
    events = b"".join(build.event(5, [bytes(8)], ts=ts) for ts in times)
    histogram = both(build.section() + events).histogram
    timed = sorted(ts for ts in times if ts not in {0, NOT_SET})
    assert sum(histogram.counts) == len(timed)
    assert len(histogram.counts) <= MAX_BINS
    for ts in timed[:1] + timed[-1:]:
        assert histogram.counts[(ts - histogram.start_ns) // histogram.width_ns]
    if len(histogram.counts) < MAX_BINS // 2 and histogram.width_ns > 1:
        pytest.fail("the bins could be narrower")


def test_more_names_than_are_told_apart_are_counted_together() -> None:
    names = [BUILD.async_event(b"name%d" % n, b"") for n in range(MAX_STREAMS + 5)]
    summary = both(HEAD + b"".join(names) * 3)
    assert len(summary.async_events) == MAX_STREAMS
    assert {stream.count for stream in summary.async_events} == {3}
    (notice,) = summary.notices
    assert (notice.kind, notice.count) == ("streams", 15)


def test_codes_that_are_unknown_are_told() -> None:
    summary = both(HEAD + event(700, 0) * 2 + event(60000, 0) + TICKS[0])
    (notice,) = summary.notices
    assert (notice.kind, notice.count) == ("unknown-event", 3)
    assert notice.message.endswith("700, 60000")
    assert summary.events.count == 4


@pytest.mark.parametrize("build", [BUILD, OTHER], ids=["little", "big"])
@pytest.mark.parametrize(
    ("pairs", "mismatches"),
    [
        ([(6, 2, 1), (7, 2, 1)], 0),  # read enter, read exit
        ([(4, 1, 1), (7, 2, 1)], 1),  # close enter, read exit
        ([(4, 1, 1), (7, 4, 1)], 0),  # an exit of today has all its parameters
        ([(4, 1, 1), (7, 2, 2)], 0),  # another thread
        ([(4, 1, 1), (7, 2, 1), (7, 2, 1)], 1),  # taken once
        ([(4, 1, 1), (6, 2, 1), (7, 2, 1)], 0),  # the later enter counts
        ([(292, 1, 1), (289, 17, 1)], 0),  # an old execve exit becomes the newest
        ([(4, 1, 1), (289, 17, 1)], 1),
        ([(2, 0, 1), (7, 2, 1)], 0),  # open enters are not kept
        ([(4, 1, 1), (9, 2, 1), (4, 1, 3), (9, 2, 3)], 2),
    ],
)
def test_an_exit_that_meets_another_enter_stops_a_replay(
    build: Builder, pairs: list[tuple[int, int, int]], mismatches: int
) -> None:
    content = build.section() + TICKS[0] * 0
    events = [event(code, count, tid=tid, build=build) for code, count, tid in pairs]
    # What C takes only after Python has seen its kind of block.
    summary = both(content + event(5, 2, tid=9, build=build) + b"".join(events))
    notices = [notice for notice in summary.notices if notice.kind == "replay"]
    assert sum(notice.count for notice in notices) == mismatches
    if mismatches:
        assert "meets the enter event of close" in notices[0].message


def test_a_new_section_begins_with_no_enter_event() -> None:
    summary = both(HEAD + event(4, 1) + HEAD + event(7, 2))
    assert summary.notices == ()


def test_a_real_host_stops_where_the_notice_says(real_host: object, tmp_path: Path) -> None:
    path = tmp_path / "mixed.scap"
    before = [event(5, 2, tid=n) for n in range(5)]
    path.write_bytes(HEAD + b"".join(before) + event(4, 1) + event(7, 2) + event(5, 2))
    command = [str(real_host.sysdig), "-r", str(path), "-p", "%evt.num"]  # type: ignore[attr-defined]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "is not the right one" in done.stderr
    (notice,) = summarize(path).notices
    assert (notice.kind, notice.count) == ("replay", 1)
    assert notice.offset == len(HEAD + b"".join(before) + event(4, 1))


def test_large_files_are_counted_in_c_and_small_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        falcokit.capture.native.scan, "library", lambda: asked.append(1) or library()
    )
    path = tmp_path / "file.scap"
    path.write_bytes(WHOLE)
    summarize(path)
    assert asked == []
    path.write_bytes(WHOLE + TICKS[5] * (NATIVE_FROM_BYTES // len(TICKS[5]) + 1000))
    summarize(path)
    assert asked == [1]


def test_without_a_compiler_python_counts_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.scap"
    path.write_bytes(WHOLE + TICKS[5] * (2 * NATIVE_FROM_BYTES // len(TICKS[5])))
    wanted = summarize(path)

    def missing(*_: object) -> None:
        raise ToolMissingError("there is no compiler", hint="none")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(falcokit.capture.native.scan.PARTS, "falcokit-scan.so", missing)
    library.cache_clear()
    try:
        assert library() is None
        assert summarize(path) == wanted
    finally:
        library.cache_clear()


def test_an_interrupted_count_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "file.scap"
    path.write_bytes(WHOLE + TICKS[5] * (32 * NATIVE_FROM_BYTES // len(TICKS[5])))
    tally = Tally()

    def interrupt(count: int) -> None:
        if count > 16 * NATIVE_FROM_BYTES:
            raise KeyboardInterrupt

    with open_capture(path) as capture:
        capture.on_read(interrupt)
        with pytest.raises(KeyboardInterrupt):
            tally.count(capture)
        found = tally.summary(capture)
    assert found.events.count == capture.event_count
    assert 8 * NATIVE_FROM_BYTES < found.events.count * len(TICKS[5]) < 20 * NATIVE_FROM_BYTES


def test_a_file_in_memory_is_counted_too() -> None:
    with open_capture(io.BytesIO(WHOLE)) as capture:
        tally = Tally()
        tally.count(capture)
    assert tally.summary(capture).events.count == len(TICKS)
