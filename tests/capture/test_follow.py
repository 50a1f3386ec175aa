# SPDX-License-Identifier: Apache-2.0
"""Captures that are still being written, pipes, and files that are open already."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import threading
import zlib
from typing import TYPE_CHECKING

import pytest
from scap_builder import Builder

from falcokit.capture import CaptureError, open_capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUILD = Builder()
HEAD = BUILD.section() + BUILD.machine()
EVENTS = [BUILD.async_event(b"tick", b"%d" % n) for n in range(6)]


class Writer:
    """Appends the next step whenever the reader has come to the end of what there is."""

    def __init__(self, path: Path, steps: list[bytes | Callable[[], None]]) -> None:
        self._path, self._steps = path, steps

    def __call__(self) -> bool:
        if not self._steps:
            return True
        step = self._steps.pop(0)
        if callable(step):
            step()
        else:
            with self._path.open("ab") as file:
                file.write(step)
        return False


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("size", [7, 50, 1000])
def test_a_file_that_grows_is_read_to_where_it_is_stopped(
    tmp_path: Path, packed: bool, size: int
) -> None:
    content = HEAD + b"".join(EVENTS)
    if packed:
        content = gzip.compress(content, mtime=0)
    path = tmp_path / "grows.scap"
    path.write_bytes(b"")
    until = Writer(path, list(pieces(content, size)))
    with open_capture(path, follow=True, until=until) as capture:
        assert [event.data for event in capture] == [b"0", b"1", b"2", b"3", b"4", b"5"]
        assert capture.notices == ()
        assert capture.read_size == len(content)


def test_events_come_as_soon_as_they_are_flushed(tmp_path: Path) -> None:
    compressor = zlib.compressobj(6, zlib.DEFLATED, 31)
    flushed = [compressor.compress(part) + compressor.flush(zlib.Z_FULL_FLUSH)
               for part in (HEAD + EVENTS[0], EVENTS[1])]  # fmt: skip
    path = tmp_path / "flushed.scap"
    path.write_bytes(flushed[0])
    waits: list[int] = []
    until = Writer(path, [lambda: waits.append(1), flushed[1], lambda: waits.append(2)])
    with open_capture(path, follow=True, until=until) as capture:
        events = iter(capture)
        assert next(events).data == b"0"
        assert waits == []
        assert next(events).data == b"1"
        assert waits == [1]
        assert next(events, None) is None


def test_a_block_that_is_half_written_when_following_stops_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "half.scap"
    path.write_bytes(HEAD + EVENTS[0] + EVENTS[1][:30])
    with open_capture(path, follow=True, until=lambda: True) as capture:
        assert len(list(capture)) == 1
        assert capture.notices == ()


@pytest.mark.parametrize("what", ["cut off", "removed", "replaced"])
def test_a_followed_file_that_is_no_longer_the_same_is_told(tmp_path: Path, what: str) -> None:
    path = tmp_path / "rotated.scap"
    path.write_bytes(HEAD + EVENTS[0])

    def replace() -> None:
        (tmp_path / "new").write_bytes(HEAD)
        (tmp_path / "new").rename(path)

    change: dict[str, Callable[[], None]] = {
        "cut off": lambda: os.truncate(path, 10),
        "removed": path.unlink,
        "replaced": replace,
    }
    until = Writer(path, [EVENTS[1], change[what], lambda: pytest.fail("asked on")])
    with open_capture(path, follow=True, until=until) as capture:
        assert len(list(capture)) == 2
        (notice,) = capture.notices
        assert notice.message == f"the file was {what} while it was followed"


def test_a_pipe_is_read_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    content = HEAD + b"".join(EVENTS)
    got = threading.Event()

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            pipe.write(content[: len(HEAD) + len(EVENTS[0]) + 5])
            assert got.wait(10)
            pipe.write(content[len(HEAD) + len(EVENTS[0]) + 5 :])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with open_capture(path) as capture:
            assert capture.size == 0
            events = iter(capture)
            assert next(events).data == b"0"
            got.set()
            assert len(list(events)) == 5
            assert capture.notices == ()
    finally:
        got.set()
        writer.join()


def test_standard_input_is_read_under_its_sign() -> None:
    code = (
        "import os, sys; from falcokit.capture import open_capture\n"
        "os.set_blocking(0, False)\n"
        "with open_capture('-') as capture:\n"
        "    sys.stdout.write(str(sum(1 for _ in capture)))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        said, _ = process.communicate(gzip.compress(HEAD + b"".join(EVENTS)), timeout=60)
    assert (process.returncode, said) == (0, b"6")


def test_an_open_file_is_taken_as_it_is() -> None:
    with open_capture(io.BytesIO(HEAD + EVENTS[0])) as capture:
        assert [event.data for event in capture] == [b"0"]
        assert (capture.path, capture.size) == ("(stream)", 0)
    with pytest.raises(CaptureError, match=r"\(stream\) is empty"):
        open_capture(io.BytesIO())


def test_the_lists_are_kept_when_they_are_wanted(tmp_path: Path) -> None:
    users = BUILD.block(0x206, b"\1" + BUILD.pack("IH", 7, 5) + b"wheel")
    path = tmp_path / "lists.scap"
    path.write_bytes(BUILD.section() + users + EVENTS[0])
    with open_capture(path) as capture:
        assert capture.lists is None
    with open_capture(path, lists=True) as capture:
        assert capture.lists is not None
        assert [user.name for user in capture.lists.users()] == ["wheel"]
