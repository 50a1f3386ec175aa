# SPDX-License-Identifier: Apache-2.0
"""The tail through what log files go through: growth, rotation, truncation, odd lines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tail import LINE_MAX, Tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "auth.log"
    path.write_text("old\n")
    return path


class Follow(Protocol):
    def __call__(self, path: Path, *, from_start: bool = False) -> Tail: ...


@pytest.fixture
def follow() -> Iterator[Follow]:
    tails: list[Tail] = []

    def start(path: Path, *, from_start: bool = False) -> Tail:
        tails.append(Tail(str(path), from_start=from_start))
        return tails[-1]

    yield start
    for tail in tails:
        tail.close()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_only_what_comes_later_is_read_unless_asked(log: Path, follow: Follow) -> None:
    tail = follow(log)
    append(log, "one\ntwo\n")
    assert list(tail.read()) == ["one", "two"]
    assert list(tail.read()) == []
    assert list(follow(log, from_start=True).read()) == ["old", "one", "two"]


def test_a_line_counts_when_it_is_whole(log: Path, follow: Follow) -> None:
    tail = follow(log)
    append(log, "ha")
    assert list(tail.read()) == []
    append(log, "lf\n")
    assert list(tail.read()) == ["half"]


def test_a_rotated_file_is_read_to_its_end_first(log: Path, tmp_path: Path, follow: Follow) -> None:
    tail = follow(log)
    log.rename(tmp_path / "auth.log.1")
    append(tmp_path / "auth.log.1", "last words\nwithout newline")
    assert list(tail.read()) == ["last words"]  # nothing has the name yet: it may go on
    log.write_text("first of the new\n")
    assert list(tail.read()) == ["without newline", "first of the new"]


def test_two_rotations_between_two_reads_lose_only_the_file_in_between(
    log: Path, tmp_path: Path, follow: Follow
) -> None:
    tail = follow(log)
    append(log, "a\n")
    log.rename(tmp_path / "auth.log.1")
    log.write_text("b\n")
    log.rename(tmp_path / "auth.log.2")
    log.write_text("c\n")
    assert list(tail.read()) == ["a", "c"]


def test_a_truncated_file_is_read_from_its_start(log: Path, follow: Follow) -> None:
    tail = follow(log)
    append(log, "one\ntwo\n")
    assert list(tail.read()) == ["one", "two"]
    log.write_text("new\n")
    assert list(tail.read()) == ["new"]


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path, follow: Follow) -> None:
    tail = follow(tmp_path / "later.log")
    assert list(tail.read()) == []
    (tmp_path / "later.log").write_text("here\n")
    assert list(tail.read()) == ["here"]


def test_a_long_line_is_cut_and_counted(log: Path, follow: Follow) -> None:
    tail = follow(log)
    append(log, "x" * 200_000 + "\nnext\n")
    assert list(tail.read()) == ["x" * LINE_MAX, "next"]
    assert tail.cut == 1


def test_bytes_that_are_no_utf_8_do_no_harm(log: Path, follow: Follow) -> None:
    tail = follow(log)
    with log.open("ab") as file:
        file.write(b"caf\xe9\r\n\n  \n")
    assert list(tail.read()) == ["caf\ufffd"]
