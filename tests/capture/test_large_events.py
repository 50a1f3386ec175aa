# SPDX-License-Identifier: Apache-2.0
"""Events above 8 MiB, which are kept in a file: read, shown, copied and compared whole."""

from __future__ import annotations

import errno
import functools
import gzip
import json
import os
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cli.inspect_runs import inspect
from scap_builder import Builder

from falcokit.capture import CaptureError, open_capture
from falcokit.capture.events.event_table import ASYNC_EVENT
from falcokit.capture.file.stored_body import HELD_EVENT_BYTES, StoredBody, TemporaryBytes, whole

if TYPE_CHECKING:
    from pathlib import Path

BUILD = Builder()
HEAD = BUILD.section() + BUILD.machine()
SMALL = BUILD.plugin_event(3, b"small")


@functools.cache
def largest() -> bytes:
    """Make the largest payload of a falcokit plugin, no two pieces of it the same."""
    lines = b"".join(b"\n%015d" % n for n in range(0, 1 << 20, 16))
    parts = [lines.replace(b"\n000", b"\n%03d" % n) for n in range(64)]
    return b"".join([*parts, b"\n"])[1:]


class Large(NamedTuple):
    """A capture with a large event between two others, and its payload."""

    file: Path
    payload: bytes


@pytest.fixture(scope="module", params=["plain", "gzip"])
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Large:
    path: Path = tmp_path_factory.mktemp("large") / "large.scap"
    packed = request.param == "gzip"
    payload = largest()[: 10 << 20] if packed else largest()
    content = HEAD + SMALL + BUILD.async_event(b"dump", payload, plugin_id=9) + SMALL
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    return Large(path, payload)


def test_a_large_event_is_an_event_like_others(large: Large) -> None:
    with open_capture(large.file) as capture:
        first, middle, last = capture
        assert capture.notices == ()
    assert first.data == last.data == b"small"
    assert (middle.type, middle.async_name, middle.plugin_id) == ("dump", "dump", 9)
    assert middle.data == large.payload
    assert middle.params[2] == large.payload
    assert [type(param) for param in middle.params] == [bytes] * 3
    assert middle.data_start(5) == (large.payload[:5], len(large.payload))
    assert middle.comments == ()


def test_it_is_shown_by_its_start_and_whole_length(large: Large) -> None:
    shown = inspect(large.file, "--events")
    assert shown.stderr == ""
    line = shown.stdout.splitlines()[1]
    assert "dump plugin_id=9 name=dump data=000000000000000\\n000000000000016\\n" in line
    assert line.endswith("...")
    assert len(line) < 700
    found = json.loads(inspect(large.file, "--jsonl", "evt.type=dump").stdout)
    assert found["data_size"] == len(large.payload)
    assert found["data"] == large.payload[:65536].decode()
    (stream,) = json.loads(inspect(large.file, "--json").stdout)["async_events"]
    assert stream["size"] == stream["last"]["data_size"] == len(large.payload)


@pytest.mark.parametrize("more", [(), ("--tail", "3")])
def test_a_cut_has_it_whole(large: Large, tmp_path: Path, more: tuple[str, ...]) -> None:
    target = tmp_path / "cut.scap"
    assert inspect(large.file, "--cut", target, *more).returncode == 0
    with open_capture(target) as capture:
        assert [event.data for event in capture] == [b"small", large.payload, b"small"]
        assert capture.notices == ()
    assert "the same events" in inspect(large.file, "--diff", target).stdout


def test_a_cut_off_large_event_is_none(tmp_path: Path) -> None:
    path = tmp_path / "f.scap"
    path.write_bytes((HEAD + SMALL + BUILD.plugin_event(9, largest()[: 9 << 20]))[:-8])
    with open_capture(path) as capture:
        assert [event.data for event in capture] == [b"small"]
        assert [notice.kind for notice in capture.notices] == ["truncated"]


def test_it_has_comments(tmp_path: Path) -> None:
    path = tmp_path / "f.scap"
    block = BUILD.plugin_event(9, largest()[: 9 << 20])[8:-4]
    path.write_bytes(HEAD + BUILD.block(0x221, block + BUILD.pack("HH", 1, 4) + b"look"))
    assert json.loads(inspect(path, "--jsonl").stdout)["comments"] == ["look"]


def test_without_room_for_it_the_reading_ends_with_a_word_what_to_do(
    large: Large, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_capture(large.file) as capture, monkeypatch.context() as patch:
        assert next(iter(capture)).data == b"small"
        patch.setattr(os, "write", full)
        with pytest.raises(CaptureError, match="No space left on device") as caught:
            next(iter(capture))
    assert "TMPDIR" in str(caught.value.hint)


def test_what_is_kept_in_a_file_reads_like_bytes() -> None:
    file = TemporaryBytes()
    file.write(largest()[: HELD_EVENT_BYTES + 5])
    body = StoredBody(file, 5, HELD_EVENT_BYTES)
    plain = largest()[5 : HELD_EVENT_BYTES + 5]
    assert len(body) == len(plain)
    assert body[100_000:100_050] == plain[100_000:100_050]
    assert body[-3:] == plain[-3:]
    assert whole(body.part(7, 3 << 20)) == plain[7 : 3 << 20]
    assert whole(body) == plain
    assert ASYNC_EVENT == 402
