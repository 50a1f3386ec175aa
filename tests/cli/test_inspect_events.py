# SPDX-License-Identifier: Apache-2.0
"""Events as lines: their columns, what is marked, what is cut and what is escaped."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import pytest

from falcokit.capture import open_capture
from falcokit.cli.inspect.events import event_lines

CAPTURE_TESTS = Path(__file__).parents[1] / "capture"
CURL = CAPTURE_TESTS / "samples" / "curl_google.scap"
LINE = re.compile(r" *\d+ \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} +\d+ +\((\d+|-)\) [<>] \w+( .*)?")


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(CAPTURE_TESTS)
    from scap_builder import Builder

    return Builder()


def lines_of(path: Path, stream: bytes | None = None, *, width: int | None = None) -> list[str]:
    if stream is not None:
        path.write_bytes(stream)
    with open_capture(path) as capture:
        return list(event_lines(capture, width=width))


def test_a_line_has_the_columns_of_sysdig_in_its_order() -> None:
    lines = lines_of(CURL)
    assert len(lines) == 1536
    assert all(LINE.fullmatch(line) for line in lines)
    assert lines[218] == (
        "   219 2018-08-17 17:35:48.514682170   0   (17497) < open fd=3 name=/etc/ld.so.cache"
        " flags=4097(O_RDONLY|O_CLOEXEC) mode=0"
    )
    assert lines[237].endswith("> mprotect")  # a generic call has its name and nothing else


def test_state_is_marked(build: Any, tmp_path: Path) -> None:
    closed = build.event(5, [bytes(8)], tid=42, flags=1)
    stream = build.section() + build.async_event(b"dump", b"{}", ts=2**64 - 1) + closed
    dumped, hidden = lines_of(tmp_path / "state.scap", stream)
    assert re.sub(" +", " ", dumped) == " 1 - 0 (-) > dump state plugin_id=0 name=dump data={}"
    assert hidden.endswith("(42) < close state-only res=0")


def test_payloads_are_text_where_they_are_text(build: Any, tmp_path: Path) -> None:
    stream = build.section() + b"".join(
        build.plugin_event(3, data) for data in ("größe\n".encode(), b"\xff\0", b"", b"y" * 600)
    )
    lines = lines_of(tmp_path / "payloads.scap", stream)
    assert [line.partition("event_data=")[2] for line in lines] == [
        "größe\\n",
        "\\xff\\x00",
        "NULL",
        "y" * 509 + "...",
    ]


def test_nothing_that_a_terminal_acts_on_is_left(build: Any, tmp_path: Path) -> None:
    hostile = b"a\x1b[31m\x9b\r\n\xe2\x80\xae\0"
    opened = [struct.pack("<q", 3), hostile, b"\xff" * 4, b"\xff" * 4]
    stream = (
        build.section()
        + build.event(3, opened)
        + build.async_event(hostile[:-1], hostile)
        + build.event(999, [hostile])
    )
    for line in lines_of(tmp_path / "hostile.scap", stream):
        assert line.isprintable()
    assert "name=a\\x1b[31m\\x9b\\r\\n\\u202e flags" in lines_of(tmp_path / "hostile.scap")[0]


def test_a_terminal_gets_a_heading_and_lines_of_its_width(build: Any, tmp_path: Path) -> None:
    stream = build.section() + build.plugin_event(1, "漢字".encode() * 99)
    for width in (60, 80, 81, 200):
        heading, line = lines_of(tmp_path / "wide.scap", stream, width=width)
        assert re.sub(" +", " ", heading) == "number time (UTC) cpu (thread) event"
        cells = len(line) + sum(char in "漢字" for char in line)
        assert width - 1 <= cells <= width
        assert line.endswith("...")
        for column, cell in (("time", "2023"), ("event", "> ")):
            assert heading.index(column) == line.index(cell)
        for column, cell in (("cpu", " 0 "), ("(thread)", "(-)")):
            assert heading.index(column) + len(column) == line.index(cell) + len(cell.rstrip())


def test_the_lengths_of_names_are_bounded(build: Any, tmp_path: Path) -> None:
    stream = build.section() + build.plugin_event(1, b"") + build.async_event(b"n" * 100_000, b"")
    assert len(lines_of(tmp_path / "names.scap", stream)[1]) < 1500


def test_an_event_that_contradicts_itself_is_a_line_too(build: Any, tmp_path: Path) -> None:
    broken = bytearray(build.event(7, [bytes(8)], tid=1))
    broken[8 + 2 + 26] = 200
    lines = lines_of(tmp_path / "broken.scap", build.section() + bytes(broken))
    assert lines[0].endswith("(1) < read (malformed)")
