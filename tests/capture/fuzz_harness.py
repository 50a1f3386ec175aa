# SPDX-License-Identifier: Apache-2.0
"""Damages captures at random and reads them both ways: `python fuzz_harness.py --runs N --seed S`.

A run changes a small capture (cut out of a sample or built), reads it with and without the C code
and compares events, notices and summary; every event before the first change must be delivered
as it was. A run is found again by its seed and number: `--first NUMBER --runs 1`. test_fuzz runs
three thousand of them, and some with the C code under sanitizers (`--library`).
"""

from __future__ import annotations

import argparse
import faulthandler
import gzip
import io
import random
import resource
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from scap_builder import NOT_SET, T0, Builder

from falcokit.capture import CaptureError, Event, Summary, open_capture
from falcokit.capture.native import scan as native_module
from falcokit.capture.native.selection import EventQuery, select
from falcokit.capture.summary.summarize import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fuzz", "main", "read_both"]

SAMPLES = sorted(Path(__file__).with_name("samples").glob("*.scap"))
RUN_SECONDS = 20
_EVENT_BLOCKS = {0x204, 0x208, 0x216, 0x217, 0x221, 0x222}
_LIST_BYTES = 240  # lists are cut down to this: the events are what both ways read
_NUMBERS = (0, 1, 3, 4, 11, 12, 13, 26, 34, 255, 322, 402, 0x216, 2**16 - 1, 2**31, 2**32 - 1)

Known = tuple[int, int, int, int | None, int | None, bool]


class Dribble(io.BytesIO):
    """A file of which a read returns only so many bytes, as a pipe does."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self._step = step

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, self._step) if size and size > 0 else self._step)


@dataclass(frozen=True)
class Result:
    """What one way of reading gave: the refusal, or everything else."""

    refused: str | None
    events: tuple[Known, ...] = ()
    summary: Summary | None = None


def known(event: Event) -> Known:
    return event.number, event.offset, event.code, event.ts_ns, event.tid, event.leading


def read(content: bytes, step: int, query: EventQuery, *, native: bool) -> Result:
    try:
        with open_capture(Dribble(content, step)) as capture:
            tally = Tally()
            tally.count(capture, native=native)
            summary = tally.summary(capture)
    except CaptureError as e:
        return Result(refused=f"{e.message} {e.hint}")
    with open_capture(Dribble(content, step)) as capture:
        events = tuple(known(event) for event in select(capture, query, native=native))
        assert capture.notices == summary.notices[: len(capture.notices)]
    return Result(refused=None, events=events, summary=summary)


def read_both(content: bytes, step: int, query: EventQuery) -> Result:
    """Read with and without C; fail where the results differ."""
    python = read(content, step, query, native=False)
    compiled = read(content, step, query, native=True)
    assert python.refused == compiled.refused
    assert python.events == compiled.events
    assert python.summary == compiled.summary, _difference(python.summary, compiled.summary)
    return python


def _difference(one: Summary | None, other: Summary | None) -> str:
    names = Summary.field_names
    pairs = ((name, getattr(one, name, None), getattr(other, name, None)) for name in names)
    return "\n".join(f"{name}: {a}\n      {b}" for name, a, b in pairs if a != b)


def blocks_of(content: bytes) -> list[bytes]:
    blocks, at = [], 0
    while at < len(content):
        total = int.from_bytes(content[at + 4 : at + 8], "little")
        blocks.append(content[at : at + total])
        at += total
    return blocks


def cut_down(content: bytes, first: int, events: int) -> bytes:
    """Keep the head of a capture, with short lists, and some of its events."""
    build, kept = Builder(), []
    wanted = range(first, first + events)
    number = 0
    for block in blocks_of(content):
        code = int.from_bytes(block[:4], "little")
        if code in _EVENT_BLOCKS:
            kept += [block] if number in wanted else []
            number += 1
        elif len(block) > _LIST_BYTES and len(kept) < 8:
            kept.append(build.block(code, block[8 : _LIST_BYTES & ~3]))
        elif len(kept) < 8:
            kept.append(block)
    return b"".join(kept)


def built(build: Builder) -> bytes:
    events = [
        build.event(354, [b""] * 6, ts=NOT_SET),
        build.async_event(b"state", b"dumped", ts=NOT_SET),
        build.plugin_event(7, b"payload" * 50),
        *[build.async_event(b"name%d" % (n % 3), b"x" * n, ts=T0 + 9**n) for n in range(12)],
        build.event(6, [bytes(8), bytes(4)], tid=5),
        build.event(7, [bytes(8), b"data"], tid=5, flags=1),
        build.event(1, [build.pack("H", 9), bytes(2)]),
        build.event_v1(1, [build.pack("H", 9)]),
        build.event_v1(280, [b"id\0", b"text\0!"], extra=3),
        build.event(402, [build.pack("I", 4), b"\xff\0", b"odd"], width="H"),
        build.event(700, [b"new"]),
        build.event(293, [b""] * 20, tid=6),
        build.event(292, [b"/bin/true\0"], tid=5),
        build.event(5, [bytes(8)], tid=5),
    ]
    return build.section() + build.machine() + b"".join(events)


@cache
def seeds() -> list[bytes]:
    files = [gzip.decompress(d) if (d := p.read_bytes())[:2] == b"\x1f\x8b" else d for p in SAMPLES]
    parts = [cut_down(file, first, 20) for file in files for first in (0, 60, 100)]
    little, big = built(Builder()), built(Builder(big_endian=True))
    return [*parts, little, big, little + big, big + parts[0] + little]


def change_bytes(rng: random.Random, data: bytearray) -> int:
    places = [rng.randrange(len(data)) for _ in range(rng.randint(1, 8))]
    for at in places:
        data[at] = rng.randrange(256)
    return min(places)


def change_number(rng: random.Random, data: bytearray) -> int:
    """Put a telling number where most numbers are: at a multiple of two, of two or four bytes."""
    at, size = rng.randrange(0, len(data) - 4) & ~1, rng.choice((2, 4, 4))
    number = rng.choice((*_NUMBERS, len(data), len(data) - at))
    order = rng.choice(("little", "little", "big"))
    data[at : at + size] = (number % 256**size).to_bytes(size, order)  # type: ignore[arg-type]
    return at


def cut_off(rng: random.Random, data: bytearray) -> int:
    at = rng.randrange(len(data))
    del data[at:]
    return at


def take_out(rng: random.Random, data: bytearray) -> int:
    at = rng.randrange(len(data)) & ~3
    del data[at : at + 4 * rng.randint(1, 40)]
    return at


def put_in(rng: random.Random, data: bytearray) -> int:
    at, other = rng.randrange(len(data)) & ~3, rng.choice(seeds())
    start = rng.randrange(len(other)) & ~3
    data[at:at] = other[start : start + 4 * rng.randint(1, 60)]
    return at


def shuffle_blocks(rng: random.Random, data: bytearray) -> int:
    blocks = blocks_of(bytes(data)) if data[8:12] == b"\x4d\x3c\x2b\x1a" else [bytes(data)]
    first, second = sorted(rng.choices(range(len(blocks)), k=2))
    blocks[first], blocks[second] = blocks[second], blocks[first]
    at = sum(map(len, blocks[:first]))
    data[:] = b"".join(blocks)
    return at


CHANGES: tuple[Callable[[random.Random, bytearray], int], ...] = (
    change_bytes, change_number, change_number, cut_off, take_out, put_in, shuffle_blocks,
)  # fmt: skip


@cache
def whole_events(seed: bytes) -> tuple[tuple[Known, int], ...]:
    """All events of an unchanged seed, with where each ends."""
    with open_capture(io.BytesIO(seed)) as capture:
        events = list(capture)
    ends = [event.offset for event in events[1:]] + [len(seed)]
    return tuple((known(event), end) for event, end in zip(events, ends, strict=True))


def run(seed: int, number: int) -> None:
    """Make one damaged capture and read it both ways."""
    rng = random.Random(seed * 1_000_003 + number)
    original = rng.choice(seeds())
    data = bytearray(original)
    change = rng.choice(CHANGES)
    first_change = change(rng, data)
    if rng.random() < 0.3 and data:
        first_change = min(first_change, rng.choice(CHANGES[:3])(rng, data) if data[5:] else 0)
    content, query = bytes(data), query_of(rng)
    if rng.random() < 0.15:
        packed = bytearray(gzip.compress(content, 1, mtime=0))
        if rng.random() < 0.7:
            change_bytes(rng, packed)
            first_change = 0
        content = bytes(packed)
    result = read_both(content, rng.choice((61, 1000, 65536, 65536)), query)
    before = [event for event, end in whole_events(original) if end <= first_change]
    delivered = set(result.events)
    lost = [event for event in before if event not in delivered and wanted(event, query)]
    assert not lost, f"lost {lost[:3]}"


def query_of(rng: random.Random) -> EventQuery:
    codes = frozenset(rng.sample((0, 1, 5, 7, 322, 402, 700, 293), 3))
    return rng.choice((EventQuery(), EventQuery(codes=codes), EventQuery(first_number=9)))


def wanted(event: Known, query: EventQuery) -> bool:
    number, _, code, _, _, _ = event
    return number >= query.first_number and (query.codes is None or code in query.codes)


def fuzz(seed: int, first: int, runs: int) -> None:
    """Make `runs` runs; fail with the number of the first that shows a fault."""
    seeds()
    for number in range(first, first + runs):
        if number % 100 == 0:
            faulthandler.dump_traceback_later(RUN_SECONDS, exit=True)
        try:
            run(seed, number)
        except Exception as e:
            message = f"seed {seed}, run {number}: {e}"
            raise AssertionError(message) from e
    faulthandler.cancel_dump_traceback_later()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--library", type=Path, help="use this build of the C code")
    options = parser.parse_args()
    if options.library:
        loaded = native_module.load(options.library)
        native_module.library = lambda: loaded  # type: ignore[assignment]
    elif native_module.library() is None:
        raise SystemExit("there is no C code to compare with: is a compiler installed?")
    fuzz(options.seed, options.first, options.runs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{options.runs} damaged captures read the same both ways; peak {peak // 1024} MB")


if __name__ == "__main__":
    main()
