# SPDX-License-Identifier: Apache-2.0
"""Packaged plugins beside other Pythons in one process: of another version, of a development build,
of the host itself, and with other versions of the same packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pythons
from placed import place, project
from staging import Stage, live

from falcokit.build.build_project import build
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from conftest import CompileC, Packaged, RealHost

_HOSTS = Path(__file__).parent.parent / "hosts"
_RELOADS = 20
_SETTLED = 5  # from this reload on nothing may grow, but for the odd page
_ODD_PAGES_KB = 1024

VERSIONED = """
    import ssl, sys, orjson

    from falcokit import AsyncEvents, Plugin, async_event

    class P(Plugin, AsyncEvents):
        contact = "tests@example.com"

        @async_event("{name}_told", every=0.01)
        def told(self) -> bytes:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            return orjson.dumps(["%d.%d" % sys.version_info[:2], orjson.__version__])
"""
DEVELOPED = """
    import ssl, sys

    from falcokit import AsyncEvents, Plugin, async_event

    class P(Plugin, AsyncEvents):
        contact = "tests@example.com"

        @async_event("developed_told", every=0.01)
        def told(self) -> bytes:
            return b"developed"
"""
_OLDER, _NEWER = "3.10.18", "3.11.3"  # of orjson
_HERE = "{}.{}".format(*sys.version_info)


def _versioned(
    folder: Path, name: str, orjson: str, *, runtime: str | None = None, as_folder: bool = False
) -> Path:
    text = VERSIONED.format(name=name)
    author = project(folder / name, text, name, dependencies=(f"orjson=={orjson}",))
    return place(author, folder / f"{name}-built", runtime=runtime, as_folder=as_folder)


@pytest.fixture(scope="module")
def other_python() -> dict[str, Any]:
    for info in pythons.own():
        if tuple(info["version"][:2]) != sys.version_info[:2]:
            found: dict[str, Any] = info
            return found
    message = "there is one usable version of Python on this machine"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(f"{message}; two builds of it are tested")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("versioned")


@pytest.fixture(scope="module")
def mine(folder: Path) -> tuple[Path, list[str]]:
    """A plugin of this Python, and what it emits."""
    return _versioned(folder, "mine", _OLDER), [_HERE, _OLDER]


@pytest.fixture(scope="module")
def renewed(folder: Path) -> tuple[Path, list[str]]:
    """One of the same Python, with another version of the same package."""
    return _versioned(folder, "renewed", _NEWER), [_HERE, _NEWER]


@pytest.fixture(scope="module")
def foreign(folder: Path, other_python: dict[str, Any]) -> tuple[Path, list[str]]:
    """One of another version of Python, in the other layout."""
    version = "{}.{}".format(*other_python["version"])
    runtime = other_python["path"]
    library = _versioned(folder, "foreign", _NEWER, runtime=runtime, as_folder=True)
    return library, [version, _NEWER]


@pytest.fixture(scope="module")
def developed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A development build, whose libpython becomes global."""
    root = project(tmp_path_factory.mktemp("developed") / "project", DEVELOPED, "developed")
    return build(load_project(root)).library


@pytest.fixture(scope="module")
def stage(compile_c: CompileC) -> Path:
    return compile_c(
        "stage", [_HOSTS / "stage.c", _HOSTS / "torture_host.c", _HOSTS / "torture_lies.c"]
    )


@pytest.fixture(scope="module")
def stage_with_its_malloc(compile_c: CompileC) -> Path:
    files = ("stage.c", "torture_host.c", "torture_lies.c", "own_malloc.c")
    return compile_c("stage_with_its_malloc", [_HOSTS / file for file in files])


def _reload_in_libsinsp(host: RealHost, libraries: list[Path]) -> None:
    plugins = [part for library in libraries for part in ("--plugin", str(library))]
    command = [str(host.plughost), "sinsp", *plugins, "--pump", "200", "--secs", "0.1"]
    done = subprocess.run(
        [*command, "--reload", str(_RELOADS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    reloads = json.loads(done.stdout)["reloads"]
    assert len(reloads) == _RELOADS
    names = {f"{library.stem.removeprefix('lib')}_told" for library in libraries}
    for reload in reloads:
        seen = reload["cycles"][0]["async"]
        assert seen.keys() == names
        assert all(kind["count"] > 1 for kind in seen.values())
    facts = [reload["after_unload"] for reload in reloads[_SETTLED:]]
    assert len({fact["fds"] for fact in facts}) == 1
    # One that has just ended may still be counted.
    assert min(fact["threads"] for fact in facts[-3:]) <= facts[0]["threads"]
    assert facts[-1]["rss_kb"] - facts[0]["rss_kb"] < _ODD_PAGES_KB


@pytest.mark.host
@pytest.mark.parametrize("order", [1, -1], ids=["mine first", "foreign first"])
def test_two_versions_of_python_in_libsinsp_reloaded(
    real_host: RealHost,
    mine: tuple[Path, list[str]],
    foreign: tuple[Path, list[str]],
    order: int,
) -> None:
    _reload_in_libsinsp(real_host, [mine[0], foreign[0]][::order])


@pytest.mark.host
def test_two_versions_of_a_package_in_libsinsp_reloaded(
    real_host: RealHost, mine: tuple[Path, list[str]], renewed: tuple[Path, list[str]]
) -> None:
    _reload_in_libsinsp(real_host, [mine[0], renewed[0]])


def _reload_in_turns(stage: Path, plugins: list[tuple[Path, list[str]]]) -> None:
    with Stage(stage) as host:
        for slot, (library, _) in enumerate(plugins):
            assert host(f"slot={slot}", f"load={library}").rc == 0
        for answer in host.together(dict.fromkeys(range(len(plugins)), "init")):
            assert answer.rc == 0, answer.error
        for slot in range(len(plugins)):
            assert host(f"slot={slot}", "set-handler").rc == 0
        last = []
        for _ in range(_RELOADS):
            for slot, (library, words) in enumerate(plugins):
                assert json.loads(host(f"slot={slot}", "take").text) == words
                # the others go on meanwhile
                last.append(host("clear-handler", "destroy", "unload"))
                answer = host(f"load={library}", "init")
                assert answer.rc == 0, answer.error
                assert host("set-handler").rc == 0
        for slot in range(len(plugins)):
            assert host(f"slot={slot}", "clear-handler", "destroy", "unload").stray == 0
        host.settled(1 + len(plugins))
    settled = _SETTLED * len(plugins)
    assert last[-1].fds == last[settled].fds
    assert last[-1].rss_kb - last[settled].rss_kb < _ODD_PAGES_KB


def test_two_versions_of_python_reloaded_in_turns(
    stage: Path, mine: tuple[Path, list[str]], foreign: tuple[Path, list[str]]
) -> None:
    _reload_in_turns(stage, [foreign, mine])


def test_two_versions_of_a_package_reloaded_in_turns(
    stage: Path, mine: tuple[Path, list[str]], renewed: tuple[Path, list[str]]
) -> None:
    _reload_in_turns(stage, [mine, renewed])


def _beside(program: Path, developed: Path, library: Path, *, developed_first: bool) -> None:
    both = [(developed, "developed"), (library, "packaged")]
    with Stage(program) as host:
        for _ in range(2):
            for slot, (path, _data) in enumerate(both if developed_first else both[::-1]):
                answer = host(f"slot={slot}", f"load={path}", "init")
                assert answer.rc == 0, answer.error
                assert host("set-handler").rc == 0
            for slot, (_path, data) in enumerate(both if developed_first else both[::-1]):
                assert host(f"slot={slot}", "take").text == data
            for slot in range(2):
                assert host(f"slot={slot}", "clear-handler", "destroy", "unload").stray == 0


@pytest.mark.parametrize("first", ["developed", "packaged"])
def test_a_development_build_beside_one_file(
    stage: Path, stage_with_its_malloc: Path, developed: Path, ticker: Packaged, first: str
) -> None:
    for program in (stage, stage_with_its_malloc):
        _beside(program, developed, ticker.library, developed_first=first == "developed")


@pytest.mark.parametrize("first", ["developed", "packaged"])
def test_a_development_build_beside_the_dir_layout(
    stage: Path,
    stage_with_its_malloc: Path,
    developed: Path,
    ticker_folder: Packaged,
    first: str,
) -> None:
    for program in (stage, stage_with_its_malloc):
        _beside(program, developed, ticker_folder.library, developed_first=first == "developed")


@pytest.mark.parametrize("interpreter", [sys.executable, "/usr/bin/python3"])
def test_a_host_that_is_a_python_itself(
    compile_c: CompileC,
    ticker: Packaged,
    ticker_folder: Packaged,
    interpreter: str,
) -> None:
    if shutil.which(interpreter) is None:
        pytest.skip(f"there is no {interpreter}")
    sources = [_HOSTS / "stage.c", _HOSTS / "torture_host.c", _HOSTS / "torture_lies.c"]
    inside = compile_c("stage_inside.so", sources, "-Dmain=stage_main")
    script = "import ctypes, ssl, sys; sys.exit(ctypes.CDLL(sys.argv[1]).stage_main())"
    with Stage(interpreter, "-c", script, inside) as host:
        for library in (ticker.library, ticker_folder.library, ticker.library):
            live(host, library)
