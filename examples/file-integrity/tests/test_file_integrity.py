# SPDX-License-Identifier: Apache-2.0
"""The plugin without a host: what it tells of a folder, its table, its dump."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_integrity import FileIntegrity
from file_state import read_state

from falcokit import Event
from falcokit.testing import RunningPlugin, start_plugin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one").write_text("first")
    return tmp_path


@pytest.fixture
def running(folder: Path) -> Iterator[RunningPlugin]:
    with start_plugin(FileIntegrity, config={"paths": [str(folder)]}) as started:
        yield started


def next_of(running: RunningPlugin, name: str) -> dict[str, Any]:
    while True:
        event = running.next_event(timeout=10.0)
        if event.name == name:
            data: dict[str, Any] = event.json
            return data


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_change_is_told_with_the_hash_before(running: RunningPlugin, folder: Path) -> None:
    assert next_of(running, "file_known")["sha256"] == sha256("first")
    (folder / "one").write_text("second")
    path = str(folder / "one")
    while (told := next_of(running, "file_changed"))["sha256"] != sha256("second"):
        pass  # the moment between truncation and writing may be seen as well
    assert told["path"] == path
    assert running.plugin.known[path].sha256 == sha256("second")
    assert running.plugin.known[path].changes >= 1


def test_new_and_removed_files_are_told(running: RunningPlugin, folder: Path) -> None:
    next_of(running, "file_known")
    (folder / "two").write_text("new")
    assert next_of(running, "file_created")["path"] == str(folder / "two")
    (folder / "one").unlink()
    assert next_of(running, "file_removed") == {
        "path": str(folder / "one"),
        "previous": sha256("first"),
    }
    assert str(folder / "one") not in running.plugin.known


def test_a_folder_that_is_moved_away_takes_its_files_along(
    running: RunningPlugin, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    next_of(running, "file_known")
    (folder / "sub").mkdir()
    (folder / "sub" / "three").write_text("three")
    assert next_of(running, "file_created")["path"] == str(folder / "sub" / "three")
    (folder / "sub").rename(tmp_path_factory.mktemp("elsewhere") / "sub")
    assert next_of(running, "file_removed")["path"] == str(folder / "sub" / "three")


def test_a_dump_holds_what_is_known_and_a_replay_takes_it(
    running: RunningPlugin, folder: Path
) -> None:
    next_of(running, "file_known")
    dumped = running.dump_state()
    assert [event.name for event in dumped] == ["file_known"]
    with start_plugin(FileIntegrity, capture=False) as replay:
        for event in dumped:
            replay.parse(event)
        assert dict(replay.plugin.known).keys() == {str(folder / "one")}
        assert replay.plugin.known_hash(Event(), str(folder / "one")) == sha256("first")


def test_what_is_put_in_a_file_s_place_is_not_followed(folder: Path) -> None:
    (folder / "link").symlink_to("one")
    assert read_state(str(folder / "link"), max_bytes=100) is None
    assert read_state(str(folder), max_bytes=100) is None
    large = read_state(str(folder / "one"), max_bytes=3)
    assert large is not None
    assert (large.sha256, large.size) == ("", 5)
