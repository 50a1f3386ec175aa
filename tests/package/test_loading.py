# SPDX-License-Identifier: Apache-2.0
"""A packaged plugin in a host that loads it in odd ways, and in a file system that moves."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from placed import place, project
from staging import Stage, live

if TYPE_CHECKING:
    from conftest import CompileC, Packaged

_HOSTS = Path(__file__).parent.parent / "hosts"

MOODY = """
    import json

    import msgspec
    from falcokit import AsyncEvents, Plugin, async_event

    class Config(msgspec.Struct, forbid_unknown_fields=True):
        mood: str = "good"

    class P(Plugin, AsyncEvents):
        contact = "tests@example.com"
        config: Config

        def init(self) -> None:
            if self.config.mood == "bad":
                raise ValueError("the plugin is in a bad mood")
            if self.config.mood == "broken":
                json.loads("{")

        @async_event("tick", every=0.02)
        def tick(self) -> bytes:
            if self.config.mood == "late":
                raise ValueError("the plugin is tired")
            return b"DATA"
"""


@pytest.fixture(scope="module")
def stage(compile_c: CompileC) -> Path:
    return compile_c(
        "stage", [_HOSTS / "stage.c", _HOSTS / "torture_host.c", _HOSTS / "torture_lies.c"]
    )


@pytest.fixture(scope="module")
def stage_with_its_malloc(compile_c: CompileC) -> Path:
    """The same host with an allocator of its own, which checks what it is given."""
    files = ("stage.c", "torture_host.c", "torture_lies.c", "own_malloc.c")
    return compile_c("stage_with_its_malloc", [_HOSTS / file for file in files])


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two builds of one plugin."""
    folder = tmp_path_factory.mktemp("builds")
    made = []
    for data in ("older", "newer"):
        author = project(folder / f"{data}-project", MOODY.replace("DATA", data), "moody")
        made.append(place(author, folder / data))
    return made[0], made[1]


@pytest.fixture(scope="module")
def moody(builds: tuple[Path, Path]) -> Path:
    return builds[1]


@pytest.fixture(params=["file", "folder"])
def installed(
    request: pytest.FixtureRequest, ticker: Packaged, ticker_folder: Packaged, tmp_path: Path
) -> Path:
    """The library of each layout, in a folder of its own."""
    plugin = ticker if request.param == "file" else ticker_folder
    return Path(shutil.copytree(plugin.library.parent, tmp_path / "plugins")) / plugin.library.name


@pytest.mark.python
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


@pytest.mark.python
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
    library = Path(shutil.copy(older, tmp_path / "libmoody.so"))
    with Stage(stage) as host:
        assert host(f"load={library}").rc == 0
        shutil.copy(newer, tmp_path / "next")
        (tmp_path / "next").rename(library)
        assert host("init", "set-handler", "take").text == "older"
        assert host("clear-handler", "destroy", "unload").rc == 0
        live(host, library, data="newer")
        live(host, older, data="older")
        live(host, library, data="newer")


@pytest.mark.python
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


@pytest.mark.python
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


@pytest.mark.python
@pytest.mark.parametrize("flags", ["", "deepbind"], ids=lambda f: f or "falco")
def test_a_host_with_an_allocator_of_its_own(
    stage_with_its_malloc: Path, installed: Path, tmp_path: Path, flags: str
) -> None:
    copy = Path(shutil.copytree(installed.parent, tmp_path / "copy")) / installed.name
    with Stage(stage_with_its_malloc) as host:
        host(f"flags={flags}")
        for library in (installed, installed, copy):
            live(host, library)


@pytest.mark.python
@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            '{"mood": "bad"}',
            "src/moody/__init__.py:16: init: ValueError: the plugin is in a bad mood",
        ),
        (
            '{"mood": "broken"}',
            "src/moody/__init__.py:18: init: JSONDecodeError: Expecting property",
        ),
        ('{"mood": 3}', "Expected `str`, got `int` - at `$.mood`"),
        ('{"moo": 3}', "unknown field `moo`"),
        ("{", "the init config is not valid JSON"),
    ],
)
def test_an_init_that_fails_says_where_and_leaves_nothing_behind(
    stage: Path, moody: Path, config: str, words: str
) -> None:
    fds = set()
    with Stage(stage) as host:
        for _ in range(8):
            answer = host(f"load={moody}", f"init={config}")
            assert answer.rc == 1
            assert words in answer.error
            assert "/proc" not in answer.error
            assert str(moody.parent.parent) not in answer.error
            fds.add(host("destroy", "unload").fds)
        assert len(fds) == 1
        host.settled(2)
        live(host, moody, data="newer")


@pytest.mark.python
def test_what_a_hook_raises_later_is_logged_with_its_place(stage: Path, moody: Path) -> None:
    with Stage(stage) as host:
        assert host(f"load={moody}", 'init={"mood": "late"}', "set-handler").rc == 0
        end = time.monotonic() + 10
        while "is tired" not in host.stderr:
            assert time.monotonic() < end
        assert "src/moody/__init__.py:23: producer of 'tick': ValueError" in host.stderr
        assert host("clear-handler", "destroy", "unload").stray == 0
        assert str(moody.parent.parent) not in host.stderr


@pytest.mark.python
def test_states_start_at_once_on_their_own_threads(stage: Path, moody: Path) -> None:
    configs = {0: "", 1: '{"mood": "bad"}', 2: "", 3: '{"mood": "bad"}'}
    with Stage(stage) as host:
        for slot in configs:
            assert host(f"slot={slot}", f"load={moody}").rc == 0
        answers = host.together({slot: f"init={config}" for slot, config in configs.items()})
        assert [answer.rc for answer in answers] == [0, 1, 0, 1], answers
        for slot in (0, 2):
            assert host(f"slot={slot}", "set-handler", "take").text == "newer"
        for slot in configs:
            assert host(f"slot={slot}", "destroy", "unload").stray == 0
