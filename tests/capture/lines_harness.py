# SPDX-License-Identifier: Apache-2.0
"""Makes events of all codes at random and compares their lines, made in C and in Python.

`python lines_harness.py --runs N --seed S --library FILE` does so with one build of the C code, as
`fuzz_harness` does for reading; half of the runs are on damaged captures. Used by
test_native_lines.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz_harness import CHANGES, Dribble, seeds
from param_bytes import some_bytes
from scap_builder import NOT_SET, T0, Builder

from falcokit.capture import CaptureError, Event, open_capture
from falcokit.capture.events.event_table import event_table
from falcokit.capture.native import lines as native_lines
from falcokit.capture.native import scan as native
from falcokit.cli.inspect.events import event_lines

if TYPE_CHECKING:
    from falcokit.capture.events.event_table import EventType

__all__ = ["lines_of", "main", "read_both", "some_events"]

_TEXTS = (
    b"plain", b" ", b"  \n\t ", b"\x1c\x85", b"(NULL)\0", b"(NULL)", b"a\0b\0", b"\0", b"\0\0",
    "/\u00fcn\u00ef\u00a0\u2003\u3000".encode(), "\u202e\u200b\ue000".encode(), b"/x\0",
    "\u65e5\u672c\U0001f642\U000e0001".encode(), b"\xff\xfe", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
    b"\xc0\x80", b"\xe2\x82", b"\xf0\x9f\x99", b"\x7f\x1b[2J",
)  # fmt: skip


def lines_of(
    content: bytes, step: int = 65536, *, native: bool, limit: int | None = None
) -> tuple[str, int]:
    """Return the lines, or the refusal, and how many of them Python made."""
    asked = 0

    def line(event: Event) -> str:
        nonlocal asked
        asked += 1
        (text,) = event_lines([event], width=None)
        return text

    pieces: list[str] = []
    try:
        with open_capture(Dribble(content, step)) as capture:
            native_lines.write_lines(
                capture, line=line, write=pieces.append, native=native, limit=limit
            )
            pieces += [notice.message for notice in capture.notices]
    except CaptureError as e:
        pieces.append(e.message)
    return "\n".join(pieces), asked


def read_both(content: bytes, step: int = 65536, limit: int | None = None) -> tuple[str, int]:
    """Assert that the lines are the same; return them and how many Python made beside C."""
    wanted, _ = lines_of(content, step, native=False, limit=limit)
    shown, asked = lines_of(content, step, native=True, limit=limit)
    for ours, theirs in zip(shown.split("\n"), wanted.split("\n"), strict=False):
        assert ours == theirs, f"\n{ours}\n{theirs}"
    assert shown == wanted
    return shown, asked


def some_param(rng: random.Random) -> bytes:
    """Bytes that may contradict their type."""
    kind = rng.randrange(6)
    if kind == 0:
        return b"".join(rng.choices(_TEXTS, k=rng.randint(1, 4)))
    if kind == 1:
        edge = rng.choice((0, 1, 99, 100, 2**7, 2**15, 2**31, 2**32 - 1, 2**53, 2**63, 2**64 - 1))
        return ((edge + rng.randint(-2, 2)) % 2**64).to_bytes(8, "little")[
            : rng.choice((1, 2, 4, 8))
        ]
    if kind == 2:
        return bytes([rng.choice((0, 1, 2, 3, 10))]) + rng.randbytes(rng.choice((0, 6, 12, 18, 36)))
    if kind == 3:
        return bytes([rng.randrange(6)]) + bytes(rng.choice((0, 1, 2, 4, 8, 9, 10, 11, 20, 36)))
    return rng.randbytes(rng.choice((0, 1, 2, 3, 4, 5, 8, 9, 16, 31, 32, 33, 511, 512, 513)))


def some_event(rng: random.Random, build: Builder, event_type: EventType) -> bytes:
    """One event of a code, more often right than wrong."""
    params = [
        (some_bytes(param, rng) or b"") if rng.random() < 0.5 else some_param(rng)
        for param in event_type.params
    ]
    if rng.random() < 0.1:
        params = params[: rng.randint(0, len(params))]
    elif rng.random() < 0.1:
        params += [some_param(rng) for _ in range(rng.randint(1, 3))]
    if params and event_type.large_payload and rng.random() < 0.8:
        params[0] = build.pack("I", rng.getrandbits(32))
    if rng.random() < 0.2:
        return build.event_v1(event_type.id, params, flags=rng.choice((None, 0, 1)))
    ts = rng.choice((0, NOT_SET, T0 + rng.getrandbits(40), T0, rng.getrandbits(64)))
    return build.event(
        event_type.id,
        params,
        ts=ts,
        tid=rng.choice((NOT_SET, 0, 7, 12345, 1234567, 12345678, rng.getrandbits(64))),
        cpu=rng.choice((0, 9, 10, 999, 1000, 65535)),
        flags=rng.choice((None, None, 0, 1, 3)),
    )


def some_events(rng: random.Random, count: int) -> bytes:
    """Return a capture with `count` events of random codes, in some byte order."""
    build = Builder(big_endian=rng.random() < 0.2)
    types = event_table().events
    carrying = [event_type for event_type in types if event_type.large_payload]
    events = [
        some_event(rng, build, rng.choice(carrying if rng.random() < 0.1 else types))
        for _ in range(count)
    ]
    state = build.async_event(b"state", b"x", ts=NOT_SET)
    return build.section() + build.machine() + state * rng.randint(0, 3) + b"".join(events)


def run(rng: random.Random) -> None:
    """Make one capture and compare its lines."""
    content = some_events(rng, 12)
    if rng.random() < 0.5:
        data = bytearray(rng.choice((*seeds(), content)))
        rng.choice(CHANGES)(rng, data)
        content = bytes(data)
    read_both(content, rng.choice((61, 1000, 65536)), rng.choice((None, None, 1, 5)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--library", type=Path, help="use this build of the C code")
    options = parser.parse_args()
    if options.library:
        loaded = native.load(options.library)
        native.library = lambda: loaded  # type: ignore[assignment]
    for number in range(options.runs):
        try:
            run(random.Random(options.seed * 1_000_003 + number))
        except Exception as e:
            message = f"seed {options.seed}, run {number}: {e}"
            raise AssertionError(message) from e
    print(f"{options.runs} captures have the same lines both ways")


if __name__ == "__main__":
    main()
