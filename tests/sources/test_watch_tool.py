# SPDX-License-Identifier: Apache-2.0
"""Folders that come, change and go, with the kernel's notifications and without."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from taking import reading, take, until

from falcokit import PluginError
from falcokit.sources import Watch, inotify, watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Told = list[dict[str, Any]]


@pytest.fixture(params=[True, False], ids=["inotify", "looking"])
def made(request: pytest.FixtureRequest) -> Callable[..., Watch]:
    def make(*paths: Path, **options: Any) -> Watch:
        return Watch(paths, inotify=request.param, every=0.02, **options)

    return make


def said(told: Told, path: Path, change: str) -> Callable[[], bool]:
    return lambda: {"path": str(path), "change": change} in told


def test_files_come_change_and_go(made: Callable[..., Watch], tmp_path: Path) -> None:
    (tmp_path / "old").write_text("1")
    with reading(made(tmp_path)) as told:
        (tmp_path / "new").write_text("1")
        until(said(told, tmp_path / "new", "created"))
        (tmp_path / "old").write_text("22")
        until(said(told, tmp_path / "old", "changed"))
        (tmp_path / "old").unlink()
        until(said(told, tmp_path / "old", "removed"))
    assert not said(told, tmp_path / "old", "created")()


def test_what_is_there_may_be_told_first(made: Callable[..., Watch], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a").touch()
    with made(tmp_path, existing=True) as watching:
        assert take(watching, 1) == [{"path": str(tmp_path / "sub" / "a"), "change": "created"}]


def test_folders_that_come_are_watched_too(made: Callable[..., Watch], tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep" / "er").mkdir(parents=True)
    (elsewhere / "deep" / "er" / "file").touch()
    root = tmp_path / "root"
    root.mkdir()
    with reading(made(root)) as told:
        elsewhere.rename(root / "moved")
        file = root / "moved" / "deep" / "er" / "file"
        until(said(told, file, "created"))
        file.write_text("x")
        until(said(told, file, "changed"))


def test_folders_that_go_are_told(made: Callable[..., Watch], tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").touch()
    with reading(made(root)) as told:
        (root / "sub").rename(tmp_path / "away")
        gone = str(root / "sub")
        until(lambda: any(t["change"] == "removed" and t["path"].startswith(gone) for t in told))


def test_a_path_may_come_and_go_as_a_whole(made: Callable[..., Watch], tmp_path: Path) -> None:
    root = tmp_path / "later" / "root"
    with reading(made(root)) as told:
        for name in ("a", "b"):
            root.mkdir(parents=True)
            (root / name).touch()
            until(said(told, root / name, "created"))
            shutil.rmtree(tmp_path / "later")
            until(lambda: told[-1]["change"] == "removed")


def test_one_file_is_watched_through_replacements(
    made: Callable[..., Watch], tmp_path: Path
) -> None:
    file = tmp_path / "config"
    file.write_text("1")
    with reading(made(file)) as told:
        (tmp_path / "draft").write_text("22")
        (tmp_path / "draft").replace(file)
        until(lambda: told)
    assert {t["path"] for t in told} == {str(file)}


def test_links_are_not_followed(made: Callable[..., Watch], tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (root / "loop").symlink_to(root)
    (root / "link").symlink_to(outside)
    with reading(made(root)) as told:
        (outside / "file").touch()
        (root / "file").touch()
        until(said(told, root / "file", "created"))
    assert {t["path"] for t in told} == {str(root / "file")}
    (tmp_path / "given").symlink_to(root)
    with reading(made(tmp_path / "given")) as told:  # but the path itself may be one
        (root / "more").touch()
        until(said(told, tmp_path / "given" / "more", "created"))


def test_names_that_are_no_text(made: Callable[..., Watch], tmp_path: Path) -> None:
    with reading(made(tmp_path)) as told:
        path = os.fsencode(tmp_path) + b"/\xff\n"
        os.close(os.open(path, os.O_CREAT))
        until(lambda: told)
    assert os.fsencode(told[0]["path"]) == path


def test_folders_below_may_be_left_out(made: Callable[..., Watch], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    with reading(made(tmp_path, recursive=False)) as told:
        (tmp_path / "sub" / "file").touch()
        (tmp_path / "file").touch()
        until(said(told, tmp_path / "file", "created"))
    assert {t["path"] for t in told} == {str(tmp_path / "file")}


def test_what_is_kept_is_bounded(
    made: Callable[..., Watch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_PENDING_MAX", 5)
    watching = made(tmp_path)
    for number in range(100):
        (tmp_path / str(number)).touch()
    with reading(watching) as told:
        until(said(told, tmp_path, "overflow"))
    assert watching.counters["overflows"] >= 1
    limited = made(tmp_path, max_files=10, existing=True)
    assert limited.counters["left_out"] >= 1
    limited.close()


def test_notices_that_the_kernel_dropped_are_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = inotify.Notice(inotify.OVERFLOW, "", "changed", is_folder=False)
    monkeypatch.setattr(inotify.Inotify, "read", lambda _: [lost])
    with Watch([tmp_path], every=60) as watching:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "file").touch()
        assert take(watching, 1)[0]["path"] == str(tmp_path / "sub" / "file")
        assert watching.counters["overflows"] == 1


def test_without_inotify_it_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(_: inotify.Inotify) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(inotify.Inotify, "__init__", none)
    with Watch([tmp_path], every=0.02) as watching:
        (tmp_path / "file").touch()
        assert take(watching, 1)[0]["change"] == "created"
    assert "looking instead" in caplog.text


def test_paths_are_a_list(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="a list of paths"):
        Watch(str(tmp_path))
    with pytest.raises(PluginError, match="must be a path"):
        Watch([])
