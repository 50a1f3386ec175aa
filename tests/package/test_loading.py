# SPDX-License-Identifier: Apache-2.0
"""A packaged plugin in a host that loads it in odd ways, and in a file system that moves."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from placed import place, project
from staging import Stage, live

if TYPE_CHECKING:
    from conftest import CompileC, Packaged

_HOSTS = Path(__file__).parent.parent / "hosts"
_FALCO = "flags="
LAYOUTS = pytest.mark.parametrize("layout", ["file", "folder"])

BUILD = """
    from falcokit import AsyncEvents, Plugin, async_event

    class P(Plugin, AsyncEvents):
        contact = "tests@example.com"

        @async_event("tick", every=0.02)
        def tick(self) -> bytes:
            return b"{data}"
"""


@pytest.fixture(scope="module")
def stage(compile_c: CompileC) -> Path:
    return compile_c("stage", [_HOSTS / "stage.c", _HOSTS / "torture_host.c"])


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two builds of one plugin."""
    folder = tmp_path_factory.mktemp("builds")
    made = []
    for data in ("older", "newer"):
        author = project(folder / f"{data}-project", BUILD.format(data=data), "reborn")
        made.append(place(author, folder / data))
    return made[0], made[1]


@pytest.fixture(params=["file", "folder"])
def installed(
    request: pytest.FixtureRequest, ticker: Packaged, ticker_folder: Packaged, tmp_path: Path
) -> Path:
    """The library of each layout, in a folder of its own."""
    plugin = ticker if request.param == "file" else ticker_folder
    return Path(shutil.copytree(plugin.library.parent, tmp_path / "plugins")) / plugin.library.name


@pytest.mark.parametrize(
    "flags", ["", "lazy", "global", "deepbind", "deepbind,global"], ids=lambda f: f or "falco"
)
def test_it_lives_and_is_loaded_again_under_any_flags(
    stage: Path, installed: Path, flags: str
) -> None:
    with Stage(stage) as host:
        host(f"flags={flags}")
        first = live(host, installed)
        for _ in range(3):
            last = live(host, installed)
        assert last.fds == first.fds
        host.settled(2)  # this one, and that which started Python
        assert last.rss_kb - first.rss_kb < 1024


def test_metadata_is_read_without_a_python(stage: Path, installed: Path) -> None:
    with Stage(stage) as host:
        empty = host("maps=python")
        assert host(f"load={installed}").rc == 0
        told = host("metadata")
        name = installed.name.removeprefix("lib").removesuffix(".so")
        words = f"{name}|0.1.0|A plugin of a conformance test.|tests@example.com|3."
        assert told.text.startswith(words)
        assert told.text.endswith('|["tick"]|')
        assert host("maps=python").rc == 0
        assert (told.threads, told.fds) == (empty.threads, empty.fds)
        assert host("unload").rc == 0
        live(host, installed)
        assert host("maps=libpython").rc > 0


@pytest.mark.parametrize("name", ["x", "lib.so.1", "plug in é.so", "x" * 255])
def test_its_file_may_have_any_name(stage: Path, installed: Path, name: str) -> None:
    with Stage(stage) as host:
        live(host, installed.rename(installed.with_name(name)))


def test_it_survives_strip(stage: Path, installed: Path) -> None:
    for options in ([], ["--strip-unneeded"], ["--strip-all"]):
        subprocess.run(["strip", *options, installed], check=True)
        with Stage(stage) as host:
            live(host, installed)


def test_a_relative_path_and_another_working_directory(
    stage: Path, installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    with Stage(stage, cwd=installed.parent) as host:
        assert host(f"load=./{installed.name}").rc == 0
        assert host(f"chdir={tmp_path / 'elsewhere'}").rc == 0
        answer = host("init")
        assert answer.rc == 0, answer.error
        assert host("set-handler", "take").text == "packaged"
        assert host("clear-handler", "destroy", "unload").rc == 0


def test_its_file_may_be_removed_once_it_is_loaded(
    stage: Path, ticker: Packaged, tmp_path: Path
) -> None:
    library = Path(shutil.copy(ticker.library, tmp_path))
    with Stage(stage) as host:
        assert host(f"load={library}").rc == 0
        library.unlink()
        answer = host("init")
        assert answer.rc == 0, answer.error
        assert host("set-handler", "take").text == "packaged"
        assert host("clear-handler", "destroy", "unload").rc == 0


def test_another_build_takes_its_name(
    stage: Path, builds: tuple[Path, Path], tmp_path: Path
) -> None:
    older, newer = builds
    library = Path(shutil.copy(older, tmp_path / "libreborn.so"))
    with Stage(stage) as host:
        assert host(f"load={library}").rc == 0
        shutil.copy(newer, tmp_path / "next")
        (tmp_path / "next").rename(library)
        assert host("init", "set-handler", "take").text == "older"
        assert host("clear-handler", "destroy", "unload").rc == 0
        live(host, library, data="newer")
        live(host, older, data="older")
        live(host, library, data="newer")


def test_two_builds_side_by_side(stage: Path, builds: tuple[Path, Path]) -> None:
    with Stage(stage) as host:
        for slot, library in enumerate(builds):
            assert host(f"slot={slot}", f"load={library}").rc == 0
        for answer in host.together({0: "init", 1: "init"}):
            assert answer.rc == 0, answer.error
        for slot, data in enumerate(("older", "newer")):
            assert host(f"slot={slot}", "set-handler", "take").text == data
        for slot in (0, 1):
            assert host(f"slot={slot}", "clear-handler", "destroy", "unload").stray == 0


def test_one_content_under_several_names_is_one_python(
    stage: Path, ticker: Packaged, tmp_path: Path
) -> None:
    names = [Path(shutil.copy(ticker.library, tmp_path / f"lib{n}.so")) for n in range(4)]
    with Stage(stage) as host:
        for slot, name in enumerate(names):
            assert host(f"slot={slot}", f"load={name}").rc == 0
        for answer in host.together(dict.fromkeys(range(4), "init")):
            assert answer.rc == 0, answer.error
        for answer in host.together(dict.fromkeys(range(4), "set-handler")):
            assert answer.rc == 0, answer.error
        for slot in range(4):
            assert host(f"slot={slot}", "take").text == "packaged"
            assert host("clear-handler", "destroy", "unload").stray == 0
        live(host, names[0])
        host.settled(2)
