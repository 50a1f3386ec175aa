# SPDX-License-Identifier: Apache-2.0
"""Which changes count as a save, and that the real inotify tells of them."""

from __future__ import annotations

import queue
import shutil
from typing import TYPE_CHECKING

import pytest

from falcokit.dev.files import Watcher, is_relevant, watched_folders
from falcokit.project.settings import Project

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.python


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "src" / "__pycache__").mkdir(parents=True)
    (tmp_path / "build").mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "src" / "ticker.py").write_text("")
    return Project(root=tmp_path, plugin="ticker:Ticker", source_dir=tmp_path / "src")


@pytest.mark.parametrize(
    "name",
    [
        "pyproject.toml",
        "src/ticker.py",
        "src/deep/x.py",
        "src/x.json",
        "src/demo/x.py",
        "src/build/x.py",
        "src/deep/test/x.py",
    ],
)
def test_a_file_of_the_plugin_counts(project: Project, name: str) -> None:
    assert is_relevant(project, project.root / name)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "build/libticker.so",
        "tests/test_ticker.py",
        "src/__pycache__/ticker.cpython-311.pyc",
        "src/.ticker.py.swp",
        "src/ticker.py~",
        "src/4913",
        "src/.git/index",
        "src/x.scap",
        "other/pyproject.toml",
    ],
)
def test_other_files_do_not_count(project: Project, name: str) -> None:
    assert not is_relevant(project, project.root / name)


def test_beside_pyproject_only_python_counts(tmp_path: Path) -> None:
    project = Project(root=tmp_path, plugin="ticker:Ticker", source_dir=tmp_path)
    assert is_relevant(project, tmp_path / "ticker.py")
    assert is_relevant(project, tmp_path / "package" / "data.json")
    assert is_relevant(project, tmp_path / "package" / "build" / "x.py")
    assert not is_relevant(project, tmp_path / "build" / "x.py")
    assert not is_relevant(project, tmp_path / "falco.yaml")
    assert not is_relevant(project, tmp_path / ".venv" / "lib" / "x.py")


def test_a_virtual_environment_beside_the_code_is_not_watched(tmp_path: Path) -> None:
    for folder in (".venv/lib", "venv", "build", "package", "docs"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "x.py").write_text("")
    (tmp_path / "docs" / "x.py").unlink()
    project = Project(root=tmp_path, plugin="ticker:Ticker", source_dir=tmp_path)
    assert watched_folders(project) == {tmp_path: False, tmp_path / "package": True}


def test_a_write_and_an_atomic_rename_are_told_and_a_read_is_not(project: Project) -> None:
    seen: queue.SimpleQueue[Path] = queue.SimpleQueue()
    file = project.source_dir / "ticker.py"
    with Watcher(project, seen.put):
        file.read_text()
        (project.source_dir / "__pycache__" / "x.pyc").write_text("")
        (project.build_dir / "x.so").write_text("")
        with pytest.raises(queue.Empty):
            seen.get(timeout=0.3)
        file.write_text("x = 1")
        assert seen.get(timeout=5) == file
        while not seen.empty():
            seen.get()
        draft = project.source_dir / ".draft"
        draft.write_text("x = 2")
        draft.replace(file)
        assert seen.get(timeout=5) == file
        project.file.write_text("[tool.falcokit]")
        while seen.get(timeout=5) != project.file:
            pass


def test_a_source_folder_that_is_replaced_is_watched_again(project: Project) -> None:
    seen: queue.SimpleQueue[Path] = queue.SimpleQueue()
    with Watcher(project, seen.put):
        for replace in (make, move):
            shutil.rmtree(project.source_dir)
            replace(project)
            while seen.get(timeout=5) != project.source_dir:
                pass
            file = project.source_dir / "ticker.py"
            file.write_text("x = 2")
            while seen.get(timeout=5) != file:
                pass


def make(project: Project) -> None:
    project.source_dir.mkdir()


def move(project: Project) -> None:
    (project.root / "other").mkdir()
    (project.root / "other").rename(project.source_dir)
