# SPDX-License-Identifier: Apache-2.0
"""What the writer does not write, because a reader would refuse it or read it wrong."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from scap_builder import T0, Builder
from written import GOLDEN_TS, MACHINE, PLUGIN, PROCESSES, SHB, USERS, rows

from falcokit.capture import open_capture
from falcokit.capture.lists.descriptors import FileDescriptor
from falcokit.capture.lists.processes import Process
from falcokit.capture.lists.users import User
from falcokit.capture.writer import CaptureWriter

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = {
    "unknown code": (lambda w: w.event(9001, [], ts_ns=T0), "event code 9001 is unknown"),
    "negative code": (lambda w: w.event(-1, [], ts_ns=T0), "event code -1 is unknown"),
    "too many": (lambda w: w.event(5, [b""] * 9, ts_ns=T0), r"close \(5\) has 2 .* not 9"),
    "too few": (lambda w: w.event(322, [b""], ts_ns=T0), "pluginevent .* has 2 parameters, not 1"),
    "parameter": (lambda w: w.event(5, [b"", bytes(65536)], ts_ns=T0), "fd of close has 65536"),
    "event": (lambda w: w.event(5, [bytes(9), bytes(65500)], ts_ns=T0), "too large for readers"),
    "large": (lambda w: w.plugin_event(1, bytes(65 << 20), ts_ns=T0), "block of .* too large"),
    "comment": (lambda w: w.event(5, [], ts_ns=T0, comment="x" * 65536), "comment has 65536"),
    "time": (lambda w: w.event(5, [], ts_ns=-1), "do not fit their field"),
    "cpu": (lambda w: w.event(5, [], ts_ns=T0, cpu=65536), "do not fit their field"),
    "thread": (lambda w: w.event(5, [], ts_ns=T0, tid=-2), "do not fit their field"),
    "plugin id": (lambda w: w.plugin_event(-1, b"", ts_ns=T0), "-1 is not a plugin id"),
    "name": (lambda w: w.async_event("a\0b", b"", ts_ns=T0), "cannot name an async event"),
    "no name": (lambda w: w.async_event("", b"", ts_ns=T0), "cannot name an async event"),
    "list": (lambda w: w.processes(PROCESSES), "process list must precede the events"),
    "machine": (lambda w: w.machine(MACHINE), "machine info must precede the events"),
    "owner": (lambda w: w.descriptors(2**63, []), "not a thread id"),
    "text": (lambda w: w.processes([Process(tid=1, pid=1, comm="x" * 1025)]), "comm has 1025"),
    "texts": (lambda w: w.processes([Process(tid=1, pid=1, env=("x" * 4097,))]), "env has 4098"),
    "number": (lambda w: w.processes([Process(tid=1, pid=1, uid=-1)]), "uid"),
    "user": (lambda w: w.users([User(uid=1, gid=1, name="x" * 256)]), "name has 256"),
    "fd type": (
        lambda w: w.descriptors(1, [FileDescriptor(tid=1, fd=4, type=25)]),
        "descriptor 4 has the unknown type 25",
    ),
    "fd address": (
        lambda w: w.descriptors(1, [FileDescriptor(tid=1, fd=4, type=3, source="::1")]),
        "impossible address '::1'",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_readers_would_refuse_is_not_written(what: str) -> None:
    act, message = REFUSED[what]
    file = io.BytesIO()
    with CaptureWriter(file) as writer:
        writer.plugin_event(7, b"abc", ts_ns=GOLDEN_TS)
        with pytest.raises(ValueError, match=message):
            act(writer)
    assert file.getvalue().hex() == SHB + PLUGIN


def test_the_largest_event_of_the_small_kind_has_64_kib(tmp_path: Path) -> None:
    path = tmp_path / "largest.scap"
    with CaptureWriter(path) as writer:
        params = (bytes(8), bytes(65530 - 26 - 4 - 8))
        writer.event(5, params, ts_ns=T0)
        with pytest.raises(ValueError, match="too large"):
            writer.event(5, params, ts_ns=T0, flags=1)
    ((*_, read),) = rows(path)
    assert read == params


def test_a_closed_writer_writes_no_more(tmp_path: Path) -> None:
    writer = CaptureWriter(tmp_path / "closed.scap")
    writer.close()
    writer.close()
    for act in (
        lambda: writer.plugin_event(1, b"", ts_ns=T0),
        lambda: writer.machine(MACHINE),
        lambda: writer.users(USERS),
        writer.section,
        writer.flush,
    ):
        with pytest.raises(ValueError, match="the capture is closed"):
            act()


def test_a_file_that_was_given_stays_open() -> None:
    file = io.BytesIO()
    with CaptureWriter(file) as writer:
        writer.plugin_event(1, b"", ts_ns=T0)
    assert not file.closed


def test_the_other_byte_order_is_not_mixed_in(tmp_path: Path) -> None:
    source = tmp_path / "big.scap"
    build = Builder(big_endian=True)
    source.write_bytes(build.section() + build.event_v1(5, [bytes(8), bytes(8)], flags=1))
    with open_capture(source) as capture, CaptureWriter(tmp_path / "little.scap") as writer:
        (event,) = capture
        with pytest.raises(ValueError, match=r"big-endian.*little-endian; give byte_order='big'"):
            writer.copy(event)
    with CaptureWriter(tmp_path / "again.scap", byte_order="big") as writer:
        writer.copy(event)
    assert (tmp_path / "again.scap").read_bytes() == source.read_bytes()
