# SPDX-License-Identifier: Apache-2.0
"""The cache makes a file once, and forgets what was not used for a month."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from falcokit.toolchain.cache import cache_folder, cached, find_cached, telling

if TYPE_CHECKING:
    from pathlib import Path

_DAY = 86400


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


def aged(path: Path, days: float) -> Path:
    then = time.time() - days * _DAY
    os.utime(path, (then, then))
    return path


def make(name: str, key: str) -> Path:
    return cached(name, key * 16, lambda target: target.touch(mode=0o600) or None)


def test_what_is_made_sends_away_what_is_old(folder: Path) -> None:
    old, young = aged(make("glue.so", "1"), 31), aged(make("glue.so", "2"), 29)
    making, site = folder / ".making-x", folder / f"site-{'3' * 16}"
    for each in (making, site):
        (each / "deep").mkdir(parents=True)
        (each / "deep" / "file").touch()
        aged(each, 31)
    foreign = folder / "notes.txt"
    foreign.touch()
    aged(foreign, 99)
    aged(folder / ".pruned", 2)
    made = make("glue.so", "4")
    assert not any(path.exists() for path in (old, making, site))
    assert all(path.exists() for path in (young, foreign, made))


def test_a_use_counts_and_a_day_has_one_look(folder: Path) -> None:
    path = aged(make("runner", "1"), 40)
    assert find_cached("runner", "1" * 16) == str(path)  # used: young again
    aged(folder / ".pruned", 2)
    make("runner", "2")
    assert path.exists()
    aged(path, 40)
    make("runner", "3")  # looked today
    assert path.exists()


def test_of_two_that_need_a_file_at_once_one_makes_it(folder: Path) -> None:
    begun, made = threading.Barrier(2), []

    def one() -> Path:
        begun.wait(10)
        return cached("glue.so", "5" * 16, lambda target: made.append(target.touch(mode=0o600)))

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(one), pool.submit(one)
        assert first.result(10) == second.result(10) == folder / f"glue-{'5' * 16}.so"
    assert len(made) == 1


def test_who_waits_is_told_what_is_made(folder: Path) -> None:
    heard: list[str] = []
    for _ in range(2):
        with telling(heard.append):
            cached("glue.so", "6" * 16, lambda target: target.touch(mode=0o600), what="the glue")
    assert heard == ["the glue"]
    cached("glue.so", "7" * 16, lambda target: target.touch(mode=0o600), what="the glue")
    assert heard == ["the glue"]
