# SPDX-License-Identifier: Apache-2.0
"""Choosing events, in C and in Python alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from scap_builder import NOT_SET, T0, Builder

from falcokit.capture import Event, open_capture
from falcokit.capture.native.scan import NATIVE_FROM_BYTES
from falcokit.capture.native.selection import EventQuery, select

SAMPLES = sorted(Path(__file__).with_name("samples").glob("*.scap"))
BUILD, OTHER = Builder(), Builder(big_endian=True)
MALFORMED = [build.block(0x216, bytes(8)) for build in (BUILD, OTHER)]


def section(build: Builder, first: int) -> bytes:
    state = [build.async_event(b"state", b"%d" % n, ts=NOT_SET) for n in range(3)]
    live = [build.event(5, [bytes(8), build.pack("q", first + n)], ts=T0 + first + n, tid=n % 3)
            for n in range(40)]  # fmt: skip
    ticks = [build.async_event(b"tick\0\0", b"", ts=T0 + first + n) for n in range(5)]
    return build.section() + build.machine() + b"".join(state + live + ticks)


CONTENT = (
    section(BUILD, 0) + MALFORMED[0] + section(OTHER, 100) + MALFORMED[1] + section(BUILD, 200)
)


def known(event: Event) -> tuple[int, int, int, bool, tuple[bytes, ...]]:
    return event.number, event.offset, event.code, event.leading, event.params


QUERIES = [
    EventQuery(),
    EventQuery(codes=frozenset({402})),
    EventQuery(codes=frozenset({5, 700})),
    EventQuery(codes=frozenset()),
    EventQuery(names=frozenset({"tick"})),
    EventQuery(names=frozenset({"close", "state"})),
    EventQuery(names=frozenset({"mprotect", "syscall", "read"})),
    EventQuery(names=frozenset({"mprotect"}), codes=frozenset({1})),
    EventQuery(names=frozenset({"nothing", "unknown-700", "\udcff", "\\xff"})),
    EventQuery(tid=1),
    EventQuery(tid=-1),
    EventQuery(ts_from=T0 + 110),
    EventQuery(ts_to=T0 + 110, names=frozenset({"close"})),
    EventQuery(ts_from=T0 + 3, ts_to=T0 + 5),
    EventQuery(ts_from=-1, ts_to=2**70),
    EventQuery(first_number=60, tid=2),
]
ODD = BUILD.section() + b"".join(
    [
        BUILD.event(700, []),
        BUILD.async_event(b"\xff", b""),
        BUILD.event(402, []),
        BUILD.async_event(b"", b""),
        BUILD.event(0, [BUILD.pack("H", 5), bytes(2)]),
        BUILD.event(1, []),
        BUILD.event_v1(1, [BUILD.pack("H", 60000)]),
        BUILD.event_v1(1, [BUILD.pack("H", 3)]),
        BUILD.event(1, [BUILD.pack("H", 77)] * 9),
    ]
    * 2
)


@pytest.mark.parametrize("content", [CONTENT, ODD, *SAMPLES], ids=lambda c: getattr(c, "stem", ""))
def test_both_ways_choose_the_same_events(tmp_path: Path, content: bytes | Path) -> None:
    if isinstance(content, bytes):
        path = tmp_path / "file.scap"
        path.write_bytes(content)
    else:
        path = content
    with open_capture(path) as capture:
        events = list(capture)
        notices = capture.notices
    for query in QUERIES:
        wanted = [known(event)[:4] for event in events if query.matches(event)]
        for native in (False, True):
            with open_capture(path) as capture:
                found = [known(event)[:4] for event in select(capture, query, native=native)]
                assert found == wanted, (query, native)
                assert capture.notices == notices


def test_what_does_not_match_in_a_large_file_never_becomes_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.scap"
    usual = BUILD.event(5, [bytes(8), bytes(8)])
    count = 4 * NATIVE_FROM_BYTES // len(usual)
    path.write_bytes(BUILD.section() + usual * count + BUILD.async_event(b"rare", b""))
    made = 0
    original = Event.__init__

    def counting(self: Event, **fields: object) -> None:
        nonlocal made
        made += 1
        original(self, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(Event, "__init__", counting)
    with open_capture(path) as capture:
        (event,) = select(capture, EventQuery(names=frozenset({"rare"})))
    assert event.number == count + 1
    assert made < count // 3
