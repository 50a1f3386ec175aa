# SPDX-License-Identifier: Apache-2.0
"""Remarks on events, which are pcapng options behind them: read, in documents, kept in copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli.inspect_runs import inspect
from scap_builder import T0, Builder
from schema_check import check

import falcokit.capture.summary
from falcokit.capture import CaptureWriter, open_capture

if TYPE_CHECKING:
    from falcokit.capture import Event

SCHEMA = json.loads(
    Path(falcokit.capture.summary.__file__)
    .with_name("summary.schema.json")
    .read_text(encoding="utf-8")
)
CLOSE = 5
END = (0, b"")


def commented(
    build: Builder, *options: tuple[int, bytes], cut: int = 0, first: bool = False
) -> bytes:
    """An event with options behind it, whose last `cut` bytes are missing."""
    make = build.event_v1 if first else build.event
    event = make(CLOSE, [b"12345678", b"3bytes_"])  # of a size that needs padding
    body = event[8:-4]
    for code, value in options:
        body += build.pack("HH", code, len(value)) + value + bytes(-len(value) % 4)
    code = 0x204 if first else 0x216
    return build.block(code, body[: len(body) - cut])


def only_event(path: Path, build: Builder, block: bytes) -> Event:
    path.write_bytes(build.section() + block)
    with open_capture(path) as capture:
        (event,) = capture
        assert capture.notices == ()
    return event


@pytest.mark.parametrize("big_endian", [False, True], ids=["little", "big"])
@pytest.mark.parametrize("first", [False, True], ids=["second-header", "first-header"])
@pytest.mark.parametrize(
    ("options", "comments"),
    [
        ([], ()),
        ([END], ()),
        ([(1, b"look"), END], ("look",)),
        ([(1, b"one"), (2988, b"\0\0\1"), (1, "zw\u00f6lf".encode()), END], ("one", "zw\u00f6lf")),
        ([(1, b"kept"), END, (1, b"behind the end")], ("kept",)),
        ([(1, b"\xff")], ("\\xff",)),
        ([(1, b"")], ("",)),
    ],
)
def test_comments_are_read(
    tmp_path: Path,
    options: list[tuple[int, bytes]],
    comments: tuple[str, ...],
    big_endian: bool,
    first: bool,
) -> None:
    build = Builder(big_endian=big_endian)
    event = only_event(tmp_path / "f.scap", build, commented(build, *options, first=first))
    assert event.comments == comments
    assert event.params == (b"12345678", b"3bytes_")


def test_an_option_that_is_cut_off_is_none(tmp_path: Path) -> None:
    build = Builder()
    block = commented(build, (1, b"first"), (1, b"12345678"), cut=4)
    assert only_event(tmp_path / "f.scap", build, block).comments == ("first",)


def test_what_the_writer_remarks_is_in_lines_of_json_and_in_a_cut(tmp_path: Path) -> None:
    source, cut = tmp_path / "f.scap", tmp_path / "cut.scap"
    with CaptureWriter(source) as capture:
        capture.event(CLOSE, [bytes(8)], ts_ns=T0, comment="why\x1b[31m?")
        capture.event(CLOSE, [bytes(8)], ts_ns=T0 + 1)
    assert inspect(source, "--cut", cut).returncode == 0
    for file in (source, cut):
        first, second = map(json.loads, inspect(file, "--jsonl").stdout.splitlines())
        assert first["comments"] == ["why\x1b[31m?"]
        assert "comments" not in second
        check(first, SCHEMA["$defs"]["event"], SCHEMA)
        (listed,) = json.loads(inspect(file, "--json", "-n", "1").stdout)["listed"]
        assert listed == first
    assert cut.read_bytes() == source.read_bytes()
