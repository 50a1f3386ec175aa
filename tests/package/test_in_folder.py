# SPDX-License-Identifier: Apache-2.0
"""Packages that open files beside their code lie in a safe folder where the plugin runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from placed import place, project

from falcokit.errors import ConfigError
from falcokit.package.python.data_files import data_files
from falcokit.project.settings import load_project
from falcokit.runner.program import build_runner

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
    from pathlib import Path
    from falcokit import AsyncEvents, Plugin, async_event

    HERE = Path(__file__).parent

    class P(Plugin, AsyncEvents):
        contact = "tests@example.com"

        def init(self) -> None:
            self.log.info("%s; %s; %s", (HERE / "table.txt").read_text(),
                          (HERE.parent / "words" / "all.txt").read_text(), __file__)

        @async_event("tick", every=0.02)
        def tick(self) -> bytes:
            return b"x"
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = project(tmp_path_factory.mktemp("in-folder") / "reader", CODE, "reader")
    (made / "src" / "words").mkdir()
    (made / "src" / "words" / "all.txt").write_text("every word")
    return made


@pytest.fixture(scope="module")
def file(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return place(root, tmp_path_factory.mktemp("file") / "plugins")


def run(library: Path, **environment: Any) -> tuple[str, str]:
    """What the plugin logged of itself, and the error of the host."""
    command = [build_runner(), "--plugin", library, "--limit", "1", "--duration", "5"]
    given = {name: str(value) for name, value in environment.items()}
    done = subprocess.run(
        command, env=given, capture_output=True, text=True, check=False, timeout=60
    )
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    logged = [r["message"] for r in reports if r["report"] == "log"]
    errors = [r["message"] for r in reports if r["report"] == "error"]
    return "\n".join(logged), "\n".join(errors)


def test_it_is_unpacked_once_under_its_hash(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    told, error = run(file, FALCOKIT_CACHE=cache)
    assert error == ""
    (folder,) = cache.iterdir()
    assert told.startswith("a file of the author's; every word; ")
    assert f"{folder}/reader/__init__.pyc" in told
    assert len(folder.name) == 64
    assert cache.stat().st_mode & 0o777 == 0o700
    before = (folder / "words" / "all.txt").stat()
    run(file, FALCOKIT_CACHE=cache)
    assert (folder / "words" / "all.txt").stat().st_mtime_ns == before.st_mtime_ns


def test_what_is_missing_there_is_unpacked_again(file: Path, tmp_path: Path) -> None:
    run(file, FALCOKIT_CACHE=tmp_path / "cache")
    (folder,) = (tmp_path / "cache").iterdir()
    (folder / "words" / "all.txt").write_text("cut")
    (folder / "reader" / "table.txt").unlink()
    told, error = run(file, FALCOKIT_CACHE=tmp_path / "cache")
    assert (told.partition("; /")[0], error) == ("a file of the author's; every word", "")
    assert list((tmp_path / "cache").iterdir()) == [folder]


@pytest.mark.parametrize("fault", ["shared", "above", "file", "link", "foreign", "relative"])
def test_a_place_that_is_not_safe_is_refused(file: Path, tmp_path: Path, fault: str) -> None:
    cache = tmp_path / "above" / "cache"
    cache.mkdir(parents=True, mode=0o700)
    said = {"shared": "others can write to it", "above": "it can be replaced: others can write",
            "file": "Not a directory", "link": "it is a symbolic link",
            "foreign": "others can write to it",
            "relative": "it is not an absolute path"}  # fmt: skip
    if fault == "foreign" and os.geteuid():
        pytest.skip("only root can give a folder away")
    if fault == "shared":
        cache.chmod(0o770)
    elif fault == "above":
        cache.parent.chmod(0o777)
    elif fault == "link":
        cache.rename(cache.with_name("real"))
        cache.symlink_to("real")
    elif fault == "foreign":
        os.chown(cache, 1234, -1)
    elif fault == "file":
        shutil.rmtree(cache.parent)
        cache.parent.write_text("")
    given = "cache" if fault == "relative" else cache
    _, error = run(file, FALCOKIT_CACHE=given)
    assert "the plugin carries files of the plugin that need a folder" in error, error
    assert said[fault] in error
    assert "set FALCOKIT_CACHE" in error
    assert fault == "file" or not list(cache.iterdir())


def test_in_the_dir_layout_they_are_there_and_are_checked(root: Path, tmp_path: Path) -> None:
    library = place(root, tmp_path / "plugins", as_folder=True)
    (beside,) = (entry for entry in library.parent.iterdir() if entry.is_dir())
    told, error = run(library)
    assert (told.partition("; /")[0], error) == ("a file of the author's; every word", "")
    words = beside / "packages" / "words" / "all.txt"
    words.write_text("another one")
    assert "all.txt was changed after the plugin was packaged" in run(library)[1]
    words.unlink()
    assert f"{words.relative_to(beside)} of the packaged plugin: No such file" in run(library)[1]


def test_what_opens_nothing_stays_in_memory(tmp_path: Path) -> None:
    code = CODE.replace("Path(__file__).parent", "Path()").replace("__file__", "1")
    code = code[: code.index("        def init")] + code[code.index("        @async_event") :]
    library = place(project(tmp_path / "p", code, "plain"), tmp_path / "plugins")
    cache = tmp_path / "cache"
    assert run(library, FALCOKIT_CACHE=cache) == ("", "")
    assert not cache.exists()


def test_a_name_that_nothing_has_is_refused(tmp_path: Path) -> None:
    root = project(tmp_path / "p", CODE, "named")
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text() + '[tool.falcokit.package]\nunpack = ["boto"]\n')
    assert load_project(root).package.unpack == ("boto",)
    with pytest.raises(ConfigError, match="unpack: no dependency is called 'boto'"):
        place(root, tmp_path / "plugins")


def test_what_counts_as_data() -> None:
    files = ["a/x.json", "a/code.py", "a/lib.so.1", "a/LICENSE.md", "a-1.dist-info/METADATA"]
    assert data_files(files) == ["a/x.json"]
