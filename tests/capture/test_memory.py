# SPDX-License-Identifier: Apache-2.0
"""What reading takes in memory, whatever the size of a file, a block or an event."""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from scap_builder import NOT_SET, T0, Builder

from falcokit.capture.file.blocks import MAX_BLOCK_BYTES
from falcokit.capture.file.stored_body import HELD_EVENT_BYTES

if TYPE_CHECKING:
    from pathlib import Path

BUILD = Builder()
HEAD = BUILD.section() + BUILD.machine()
TICK = BUILD.async_event(b"tick", b"B")
MB = 1024 * 1024

MEASURE = """
import sys
from falcokit.capture import open_capture, summarize
summary = summarize(sys.argv[1])
with open_capture(sys.argv[1]) as capture:
    for event in capture:
        if event.number > 3:  # none is kept: more take time and no memory
            break
        event.params
# Not ru_maxrss: that remembers the process that this one was forked from.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stdout.write(f"{summary.events.count} {peak}")
"""


def measure(path: Path) -> tuple[int, int]:
    """Return the events of a file, and the memory in MB that reading it took in another process."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (600 * MB, 600 * MB))

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        preexec_fn=limit,
    )
    events, peak = done.stdout.split()
    return int(events), int(peak) // 1024


@pytest.mark.parametrize(
    ("size", "count"),
    # The second is past the 2 GiB of a signed offset; in so many reads it would take seconds.
    [(HELD_EVENT_BYTES - 100, 60), (64 << 20, 33)],
)
def test_gigabytes_take_less_than_a_hundred_megabytes(
    tmp_path: Path, size: int, count: int
) -> None:
    path = tmp_path / "sparse.scap"
    with path.open("wb") as file:  # sparse: the payloads are holes
        file.write(HEAD)
        for _ in range(count):
            start = file.tell()
            body = BUILD.pack("HQQIHIIII", 0, T0, NOT_SET, 26 + 12 + size, 322, 2, 4, size, 7)
            total = 12 + (len(body) + size + 3 & ~3)
            file.write(BUILD.pack("II", 0x221, total) + body)
            file.seek(start + total - 4)
            file.write(BUILD.pack("I", total))
        assert file.tell() > (2**31 if size > HELD_EVENT_BYTES else 500e6)
    events, peak = measure(path)
    assert events == count
    assert peak < 100


@pytest.mark.parametrize("code", [0x216, 0x215, 0x0BAD])
def test_the_largest_blocks_that_are_held_fit_into_a_hundred_megabytes(
    tmp_path: Path, code: int
) -> None:
    path = tmp_path / "block.scap"
    total = HELD_EVENT_BYTES if code == 0x216 else MAX_BLOCK_BYTES
    body = BUILD.pack("HQQIHI", 0, T0, 1, total - 14, 5, 0)
    with path.open("wb") as file:
        file.write(HEAD + BUILD.pack("II", code, total) + body)
        file.seek(len(HEAD) + total - 4)
        file.write(BUILD.pack("I", total) + TICK)
    events, peak = measure(path)
    assert events == 1 + (code == 0x216)
    assert peak < 100
