# SPDX-License-Identifier: Apache-2.0
"""Lines made in C are those that Python makes, byte for byte, whatever is in the events."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lines_harness import lines_of, read_both, run, some_event, some_events
from scap_builder import NOT_SET, T0, Builder
from test_fuzz import build

from falcokit.capture import Event, open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.native.lines import write_lines
from falcokit.capture.native.scan import NATIVE_FROM_BYTES

if TYPE_CHECKING:
    from capture.conftest import Sanitized

    from falcokit.capture.events.event_table import EventType

SAMPLES = sorted(Path(__file__).with_name("samples").glob("*.scap"))
HARNESS = Path(__file__).with_name("lines_harness.py")
BUILD = Builder()
HEAD = BUILD.section() + BUILD.machine()
#: A first event, which is always Python's, of each kind of block.
WARM = (
    BUILD.event(5, [])
    + BUILD.plugin_event(1, b"")
    + BUILD.event(5, [], flags=0)
    + BUILD.event_v1(5, [])
)
CALL, OPEN, CLOSE, READ = 1, 3, 5, 7


def all_in_c(*events: bytes) -> str:
    """Return the lines of events that C must have made, after comparing them with Python's."""
    shown, asked = read_both(HEAD + WARM + b"".join(events))
    assert asked == 4
    return "\n".join(shown.split("\n")[4:])


def by_type() -> dict[tuple[str, str, str | None], tuple[EventType, int]]:
    """Where each kind of parameter is found: an event type, and the position in it."""
    return {
        (param.type, param.fmt, param.dynamic or param.flags): (event_type, at)
        for event_type in event_table().events
        for at, param in enumerate(event_type.params)
        if not event_type.large_payload
    }


PLACES = by_type()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_real_capture_has_the_same_lines_none_but_the_first_of_python(path: Path) -> None:
    shown, asked = read_both(path.read_bytes())
    assert asked == 1
    assert shown.count("\n") > 100


def test_events_of_every_code_have_the_same_lines() -> None:
    for event_type in event_table().events:
        rng = random.Random(event_type.id)
        for build_one in (Builder(), Builder(big_endian=True)):
            events = [some_event(rng, build_one, event_type) for _ in range(12)]
            events.append(build_one.event(event_type.id, [b""] * len(event_type.params)))
            _, asked = read_both(build_one.section() + b"".join(events))
            usual = not event_type.large_payload and event_type.id > CALL
            assert asked <= 12 + (not usual), event_type


def test_random_and_damaged_captures_have_the_same_lines() -> None:
    for number in range(600):
        run(random.Random(number))


def test_few_events_of_known_codes_are_left_to_python() -> None:
    shown, asked = read_both(some_events(random.Random(1), 3000))
    assert asked / (shown.count("\n") + 1) < 0.1


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    place=st.sampled_from(sorted(PLACES, key=str)),
    values=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from([1, 2, 4, 8]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
            st.integers(-200, 200).map(lambda n: n.to_bytes(8, "little", signed=True)),
            st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass")),
            st.text(max_size=12).map(lambda text: text.encode() + b"\0"),
        ),
        min_size=1,
        max_size=8,
    ),
    last=st.booleans(),
)
def test_any_bytes_in_any_type_give_the_same_text(
    place: tuple[str, str, str | None], values: list[bytes], last: bool
) -> None:
    event_type, at = PLACES[place]
    more = [b""] * (0 if last else len(event_type.params) - at - 1)
    read_both(HEAD + WARM + b"".join(
        BUILD.event(event_type.id, [b""] * at + [value] + more) for value in values
    ))  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    unit=st.sampled_from([b"a", b" ", b"\n", b"\0", b"\xff", "ü".encode(), "\u3000".encode(),
                          "🙂".encode(), "\U000e0001".encode(), b"\x1b"]),
    size=st.one_of(st.integers(500, 520), st.integers(2035, 2060), st.integers(120, 135)),
    end=st.binary(max_size=4),
    start=st.sampled_from([b"", b"x", "é".encode(), b"xyz"]),
)  # fmt: skip
def test_payloads_are_cut_in_the_same_place(
    unit: bytes, size: int, end: bytes, start: bytes
) -> None:
    events = []
    for length in (size, max(size // len(unit), 1)):
        for data in (start + unit * length + end, start + (unit * length)[: size - len(start)]):
            events += [BUILD.plugin_event(9, data), BUILD.async_event(b"name ", data)]
            events += [BUILD.event(READ, [bytes(8), data])]
    all_in_c(*events)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    times=st.lists(st.integers(0, NOT_SET), min_size=1),
    days=st.lists(st.integers(0, 213_503), min_size=1),
)
def test_any_time_is_shown_the_same(times: list[int], days: list[int]) -> None:
    edges = [day * 86400 * 10**9 + more for day in days for more in (-1, 0)]
    events = [BUILD.event(CLOSE, [], ts=ts % 2**64) for ts in times + edges]
    all_in_c(*events, *events)


def test_lines_look_as_they_should() -> None:
    shown = all_in_c(
        BUILD.event(CLOSE, [BUILD.pack("q", -9), BUILD.pack("q", 3)], tid=42, cpu=7),
        BUILD.event(
            OPEN,
            [
                BUILD.pack("q", -2),
                "/tmp/ü \u202e\n".encode(),
                BUILD.pack("I", 3),
                BUILD.pack("I", 0o644),
            ],
            ts=NOT_SET,
            flags=1,
        ),
        BUILD.event(CALL, [BUILD.pack("H", 9), bytes(2)]),
        BUILD.plugin_event(7, b"payload\0"),
        BUILD.async_event(b"tick", b"\x00\xff"),
    )
    opened = r" name=/tmp/ü \u202e\n flags=3(O_RDWR) mode=0644"
    when = "2023-11-14 22:13:20.000000000"
    assert shown.split("\n") == [
        f"     5 {when}   7      (42) < close res=-9(EBADF) fd=3",
        f"     6 {'-':29}   0       (-) < open state-only fd=-2(ENOENT){opened}",
        f"     7 {when}   0       (-) < unlink",
        f"     8 {when}   0       (-) > pluginevent plugin_id=7 event_data=payload",
        f"     9 {when}   0       (-) > tick plugin_id=0 name=tick data=" + r"\x00\xff",
    ]


def test_white_space_at_the_end_of_a_line_goes() -> None:
    for text in ("x \n", "\u3000", " ", "x\u2028 \0", "\x85\xa0"):
        shown = all_in_c(BUILD.event(OPEN, [bytes(8), text.encode()]))
        assert shown.endswith(("name=x", "name="))


def test_what_is_too_long_for_c_is_made_by_python() -> None:
    long = BUILD.event(OPEN, [bytes(8), b"\x01" * 65_000])
    wide = BUILD.event(OPEN, [bytes(8), b"\x01" * 60_000])
    shown, asked = read_both(HEAD + WARM + wide + long + wide + long, 2**20)
    assert asked == 4 + 2
    assert len(shown) > 4 * 240_000


def test_many_lines_come_in_pieces_and_in_order() -> None:
    events = b"".join(
        BUILD.event(5 if n % 7 else 700, [bytes(8)], ts=T0 + n, tid=n) for n in range(20_000)
    )
    shown, asked = read_both(HEAD + WARM + events)
    assert 0 <= asked - 4 - 20_000 // 7 < 40  # a block that begins at the end of a piece is too
    assert [int(line.split()[0]) for line in shown.split("\n")] == [*range(1, 20_005)]


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 6, 900])
def test_a_limit_ends_the_reading(limit: int) -> None:
    pieces: list[str] = []
    one = BUILD.event(CLOSE, [bytes(8)])

    class Endless(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            assert self.reads <= 2 + limit / 20  # no more than what the lines need
            return HEAD + WARM if self.reads == 1 else one * 20

    def line(event: Event) -> str:
        return str(event.number)

    with open_capture(Endless()) as capture:
        write_lines(capture, line=line, write=pieces.append, limit=limit, native=True)
        assert capture.event_count <= limit + 20 + 4
    assert "\n".join(pieces).count("\n") + bool(pieces) == limit
    content = HEAD + WARM + one * 2000
    read_both(content, limit=limit)


def test_what_is_made_is_handed_over_before_more_is_awaited() -> None:
    seen: list[int] = []
    pieces: list[str] = []
    one = BUILD.event(CLOSE, [bytes(8)])

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            seen.append(len("\n".join(pieces).split("\n")) if pieces else 0)
            return [HEAD + WARM, *[one * 10] * 5, b""][min(len(seen) - 1, 6)]

    with open_capture(Slow()) as capture:
        write_lines(capture, line=str, write=pieces.append, native=True)
    assert seen[:7] == [0, 4, 14, 24, 34, 44, 54]


def test_a_large_file_has_lines_from_c_without_being_told(tmp_path: Path) -> None:
    one = BUILD.event(CLOSE, [bytes(8)])
    count = 3 * NATIVE_FROM_BYTES // len(one)
    path = tmp_path / "large.scap"
    path.write_bytes(HEAD + one * count)
    asked: list[int] = []
    pieces: list[str] = []

    def line(event: Event) -> str:
        asked.append(event.number)
        return "x"

    with open_capture(path) as capture:
        write_lines(capture, line=line, write=pieces.append)
    assert len(asked) < count / 2
    assert "\n".join(pieces).count("\n") + 1 == count


def inspect(*arguments: str | Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "falcokit", "inspect", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_the_command_writes_these_lines(tmp_path: Path) -> None:
    one = BUILD.event(CLOSE, [BUILD.pack("q", -9), BUILD.pack("q", 3)], tid=42)
    count = 3 * NATIVE_FROM_BYTES // len(one)
    path = tmp_path / "large.scap"
    path.write_bytes(HEAD + one * count + one[:-5])
    wanted, _ = lines_of(path.read_bytes(), native=False)
    shown, told = inspect(path, "--events").communicate(timeout=60)
    lines, notice = wanted.rsplit("\n", 1)
    assert shown.decode() == lines + "\n"
    assert notice in told.decode()
    shown, _ = inspect(path, "-n", str(count - 7)).communicate(timeout=60)
    assert shown.decode().split("\n") == [*lines.split("\n")[:-7], ""]


def test_a_reader_that_goes_away_ends_the_command_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "large.scap"
    path.write_bytes(HEAD + BUILD.event(CLOSE, [bytes(8)]) * 100_000)
    with inspect(path, "--events") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"     1 2023")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.parametrize(
    "change",
    [
        ("if (!space) solid = l->at;", "solid = l->at;"),
        ("rest &= ~bits;", ""),
        ("*month <= 2", "*month <= 3"),
        ("limit = FK_SHOWN, kept = limit - 3;", "limit = FK_SHOWN, kept = limit - 2;"),
        ('if (leading) PUT(l, "state ");', ""),
    ],
    ids=["space", "flags", "month", "payload", "state"],
)
def test_the_harness_finds_a_mistake_in_c(tmp_path: Path, change: tuple[str, str]) -> None:
    done = harness(build(tmp_path / "wrong.so", change), 1500)
    assert done.returncode != 0
    assert "seed 1, run " in done.stderr, done.stderr


def test_the_c_code_makes_no_memory_error(sanitized: Sanitized) -> None:
    done = harness(sanitized.library, 75, **sanitized.env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the same lines both ways" in done.stdout


def harness(library: Path, runs: int, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(HARNESS), "--runs", str(runs), "--library", str(library)]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=200, check=False
    )
