# SPDX-License-Identifier: Apache-2.0
"""The tail through what log files go through: growth, rotation, truncation, odd files."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from typing import TYPE_CHECKING, Protocol

import pytest
from taking import reading, take, until

from falcokit import PluginError
from falcokit.sources import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("old\n")
    return path


class Follow(Protocol):
    def __call__(self, path: Path, **options: Any) -> Tail: ...


@pytest.fixture
def follow() -> Iterator[Follow]:
    tails: list[Tail] = []

    def start(path: Path, **options: Any) -> Tail:
        tails.append(Tail(path, **options))
        return tails[-1]

    yield start
    for tail in tails:
        tail.close()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def rotate(path: Path, to: str, *, pack: bool = False) -> Path:
    target = path.with_name(to)
    path.rename(target)
    if not pack:
        return target
    packed = target.with_name(f"{to}.gz")
    times = target.stat()
    with target.open("rb") as plain, gzip.open(packed, "wb") as out:
        shutil.copyfileobj(plain, out)
    os.utime(packed, ns=(times.st_atime_ns, times.st_mtime_ns))  # as gzip does
    target.unlink()
    return packed


def test_only_what_comes_later_is_read_unless_asked(log: Path, follow: Follow) -> None:
    tail = follow(log)
    append(log, "one\ntwo\n")
    assert take(tail, 2) == [b"one", b"two"]
    assert list(follow(log, from_start=True, follow=False)) == [b"old", b"one", b"two"]


def test_a_line_counts_when_it_is_whole_or_the_file_is_over(log: Path, follow: Follow) -> None:
    tail = follow(log)
    append(log, "ha")
    with reading(tail) as lines:
        until(lambda: tail.counters["bytes"] == 2)
        assert lines == []
        append(log, "lf\n")
        until(lambda: lines == [b"half"])
    append(log, "no newline")
    assert list(follow(log, from_start=True, follow=False)) == [b"old", b"half", b"no newline"]


def test_a_rotated_file_is_read_to_its_end_first(log: Path, follow: Follow) -> None:
    tail = follow(log)
    old = rotate(log, "app.log.1")
    append(old, "last words\nwithout newline")
    assert take(tail, 1) == [b"last words"]  # nothing has the name yet: it may go on
    log.write_text("first of the new\n")
    assert take(tail, 2) == [b"without newline", b"first of the new"]
    assert tail.counters["rotations"] == 1


@pytest.mark.parametrize("pack", [False, True])
def test_what_is_rotated_between_two_looks_is_found_beside_it(
    log: Path, follow: Follow, pack: bool
) -> None:
    tail = follow(log)
    append(log, "a\n")
    rotate(log, "app.log.2")
    log.write_text("b\n")
    rotate(log, "app.log.1", pack=pack)
    log.write_text("c\n")
    assert take(tail, 3) == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("app-20261130.log", True),
        ("app.log-20261130.gz", True),
        ("app.log.2026-11-30T10:00:00", True),
        ("app-ssl.log", False),
        ("app.log.old-1x", False),
        ("app.log.lock", False),
    ],
)
def test_only_names_that_a_rotation_gives_are_read(
    log: Path, follow: Follow, name: str, ours: bool
) -> None:
    tail = follow(log)
    append(log, "a\n")
    rotate(log, "app.log.1")
    other = log.with_name(name)
    other.write_bytes(gzip.compress(b"b\n") if name.endswith(".gz") else b"b\n")
    log.write_text("c\n")
    assert take(tail, 3 if ours else 2) == ([b"a", b"b", b"c"] if ours else [b"a", b"c"])


def test_older_rotated_files_are_not_read_again(log: Path, follow: Follow) -> None:
    older = log.with_name("app.log.2")
    older.write_text("long ago\n")
    os.utime(older, (1, 1))
    tail = follow(log)
    append(log, "a\n")
    rotate(log, "app.log.1")
    log.write_text("b\n")
    assert take(tail, 2) == [b"a", b"b"]
    # Who still writes to the old one is read with the next rotation, for that part only.
    append(log.with_name("app.log.1"), "late\n")
    rotate(log, "app.log.0")
    log.write_text("c\n")
    assert take(tail, 2) == [b"late", b"c"]


def test_a_link_that_looks_rotated_is_not_followed(
    log: Path, follow: Follow, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret\n")
    tail = follow(log)
    rotate(log, "app.log.2")
    log.with_name("app.log.1").symlink_to(tmp_path / "secret")
    os.mkfifo(log.with_name("app.log.3"))
    log.write_text("new\n")
    assert take(tail, 1) == [b"new"]


def test_a_truncated_file_is_read_from_its_start(log: Path, follow: Follow) -> None:
    tail = follow(log)
    append(log, "one\ntwo\n")
    assert take(tail, 2) == [b"one", b"two"]
    log.write_text("new\n")
    assert take(tail, 1) == [b"new"]
    log.write_text("a text that is longer than the one before\n")
    assert take(tail, 1) == [b"a text that is longer than the one before"]
    assert tail.counters["truncations"] == 2


@pytest.mark.parametrize("pack", [False, True])
def test_a_truncation_after_a_copy_loses_nothing(log: Path, follow: Follow, pack: bool) -> None:
    tail = follow(log)
    append(log, "one\n")
    assert take(tail, 1) == [b"one"]
    append(log, "unread\nand ha")
    with log.open("rb") as plain:
        if pack:
            log.with_name("app.log.1.gz").write_bytes(gzip.compress(plain.read()))
        else:
            log.with_name("app.log.1").write_bytes(plain.read())
    log.write_text("new\n")
    assert take(tail, 3) == [b"unread", b"and ha", b"new"]


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path, follow: Follow) -> None:
    tail = follow(tmp_path / "later.log")
    with reading(tail) as lines:
        (tmp_path / "later.log").write_text("here\n")
        until(lambda: lines == [b"here"])


def test_a_line_without_end_is_cut_and_counted(log: Path, follow: Follow) -> None:
    tail = follow(log, max_line=8192)
    append(log, "x" * 200_000 + "\nnext\n")
    assert take(tail, 2) == [b"x" * 8192, b"next"]
    assert tail.counters["cut"] == 1


def test_bytes_that_are_no_text_do_no_harm(log: Path, follow: Follow) -> None:
    tail = follow(log)
    with log.open("ab") as file:
        file.write(b"\0\xff\xe9\r\n\n\r\n")
        file.write(b"end\n")
    assert take(tail, 2) == [b"\0\xff\xe9", b"end"]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "odd")
    with pytest.raises(PluginError, match=r"odd is no regular file|odd cannot be followed"):
        Tail(tmp_path / "odd")


def test_a_pipe_in_the_place_of_the_file_is_waited_out(log: Path, follow: Follow) -> None:
    tail = follow(log)
    with reading(tail) as lines:
        log.unlink()
        os.mkfifo(log)
        until(lambda: tail.counters["errors"])
        log.unlink()
        log.write_text("back\n")
        until(lambda: lines == [b"back"])


# ---- a position that is kept ---------------------------------------------------------------------


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "position.json"


def read_all(log: Path, state: Path) -> list[bytes]:
    with Tail(log, state=state, from_start=True, follow=False) as tail:
        return list(tail)


def test_a_position_is_kept_from_one_capture_to_the_next(log: Path, state: Path) -> None:
    assert read_all(log, state) == [b"old"]
    assert read_all(log, state) == []
    append(log, "new\nno newline")
    assert read_all(log, state) == [b"new", b"no newline"]
    append(log, " yet\n")
    assert read_all(log, state) == [b" yet"]


def test_what_is_given_but_not_passed_on_comes_again(log: Path, state: Path) -> None:
    with Tail(log, state=state, from_start=True) as tail:
        assert tail.read() == [b"old"]  # the capture ends before the next is asked for
    assert read_all(log, state) == [b"old"]


@pytest.mark.parametrize("pack", [False, True])
def test_rotations_while_nobody_looked_are_made_up_for(log: Path, state: Path, pack: bool) -> None:
    append(log, "x" * 300 + "\n")  # more than what it is known by
    assert len(read_all(log, state)) == 2
    append(log, "end\n")
    rotate(log, "app.log.2", pack=pack)
    log.write_text("between\n")
    rotate(log, "app.log.1", pack=pack)
    log.write_text("now\n")
    assert read_all(log, state) == [b"end", b"between", b"now"]
    assert read_all(log, state) == []


def test_a_copy_made_while_nobody_looked_is_made_up_for(log: Path, state: Path) -> None:
    assert read_all(log, state) == [b"old"]
    append(log, "end\n")
    shutil.copy(log, log.with_name("app.log.1"))
    log.write_text("now\n")
    assert read_all(log, state) == [b"end", b"now"]


def test_a_lost_file_is_told_and_the_new_one_is_read(log: Path, state: Path) -> None:
    assert read_all(log, state) == [b"old"]
    log.unlink()
    log.write_text("other\n")
    with Tail(log, state=state, follow=False) as tail:
        assert list(tail) == [b"other"]
        assert tail.counters["lost"] == 1


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[1]", '{"offset": 1}', "[" * 3000, "\xff", '{"offset": -5}']
)
def test_a_broken_state_file_is_made_anew(log: Path, state: Path, text: str) -> None:
    state.write_text(text, encoding="latin-1")
    assert read_all(log, state) == [b"old"]
    assert json.loads(state.read_text())["offset"] == 4


def test_a_state_file_that_cannot_be_written_does_not_end_the_source(
    log: Path, tmp_path: Path
) -> None:
    with Tail(log, state=tmp_path / "no" / "such", from_start=True, follow=False) as tail:
        assert list(tail) == [b"old"]
    assert tail.counters["errors"] >= 1


def test_a_link_in_the_place_of_the_state_is_not_written_through(log: Path, state: Path) -> None:
    precious = state.with_name("precious")
    precious.write_text("kept")
    state.with_name("position.json.new").symlink_to(precious)
    with Tail(log, state=state, from_start=True, follow=False) as tail:
        assert list(tail) == [b"old"]
    assert tail.counters["errors"] >= 1
    assert precious.read_text() == "kept"


def test_a_damaged_packed_file_is_left_out(log: Path, state: Path) -> None:
    assert read_all(log, state) == [b"old"]
    append(log, "end\n")
    rotate(log, "app.log.3", pack=True)
    packed = gzip.compress(os.urandom(100_000).hex().encode())
    log.with_name("app.log.2.gz").write_bytes(packed[: len(packed) // 2])
    log.with_name("app.log.1.gz").write_bytes(b"no gzip")
    log.write_text("now\n")
    lines = read_all(log, state)
    assert (lines[0], lines[-1]) == (b"end", b"now")
