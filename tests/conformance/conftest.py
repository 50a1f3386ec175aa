# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the conformance suite: projects of a file or a text, and the drivers they run in.

A test takes `drive` and names its drivers: `@pytest.mark.drivers("in_process", "runner")`; without
the mark it runs in all four. The id of the row in the framework's contract that it holds begins its
docstring.
"""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from author import Author
from drivers import Drive, InProcess, Plughost, RunnerDrive, Sysdig
from source_drivers import InProcessRead, PlughostRead, RunnerRead, SysdigRead

from falcokit.build import glue_library as glue

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import CompileC, RealHost
    from source_drivers import Read

    Call = Callable[..., list[str]]
    WritePlugin = Callable[..., Author]

_ALL = ("in_process", "runner", "plughost", "sysdig")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a further Python runs: all rows hang on the Python, none on which host it is.

    On the newest all tests run in-process and in the runner, and once in libsinsp: plughost where
    it is one of several hosts, with the first of their parameters. The smoke of every Python is the
    first of each test's parameters in-process and in the runner.
    """
    seen: set[tuple[str, str]] = set()
    for item in items:
        if item.path.parent != Path(__file__).parent or item.get_closest_marker("once"):
            continue
        chosen = item.callspec.params if hasattr(item, "callspec") else {}
        driver: str | None = chosen.get("drive", chosen.get("read", chosen.get("driver")))
        if driver is None:
            item.add_marker(pytest.mark.python)
            continue
        test = item.nodeid.partition("[")[0]
        first = (test, driver) not in seen
        seen.add((test, driver))
        if driver in {"in_process", "runner"}:
            item.add_marker(pytest.mark.python)
            if first:
                item.add_marker(pytest.mark.smoke)
        elif first and (driver == "plughost" or "plughost" not in _drivers_of(item)):
            item.add_marker(pytest.mark.python)


def _drivers_of(item: pytest.Item) -> tuple[str, ...]:
    marker = item.get_closest_marker("drivers")
    return marker.args if marker else _ALL


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    fixture = next((f for f in ("drive", "read") if f in metafunc.fixturenames), None)
    if fixture is None:
        return
    real = pytest.mark.host
    metafunc.parametrize(
        fixture,
        [
            pytest.param(name, marks=[real] if name in {"plughost", "sysdig"} else [])
            for name in _drivers_of(metafunc.definition)
        ],
        indirect=True,
    )


@pytest.fixture
def plughost(real_host: RealHost, tmp_path: Path) -> Plughost:
    return Plughost(real_host, tmp_path)


@pytest.fixture
def sysdig(real_host: RealHost) -> Sysdig:
    return Sysdig(real_host)


@pytest.fixture
def drive(request: pytest.FixtureRequest) -> Drive:
    if request.param in {"plughost", "sysdig"}:
        driver: Drive = request.getfixturevalue(request.param)
        return driver
    return InProcess() if request.param == "in_process" else RunnerDrive()


@pytest.fixture
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Read:
    """A driver of event sources."""
    if request.param == "plughost":
        return PlughostRead(request.getfixturevalue("plughost"), tmp_path)
    if request.param == "sysdig":
        return SysdigRead(request.getfixturevalue("sysdig"), tmp_path)
    return InProcessRead() if request.param == "in_process" else RunnerRead()


@pytest.fixture(scope="session")
def write_plugin(tmp_path_factory: pytest.TempPathFactory) -> WritePlugin:
    written: dict[tuple[Path | str, str], Author] = {}

    def write(source: Path | str, name: str = "conform") -> Author:
        if (source, name) not in written:
            written[source, name] = Author(tmp_path_factory.mktemp("author"), source, name)
        return written[source, name]

    return write


@pytest.fixture
def hasty(write_plugin: WritePlugin, monkeypatch: pytest.MonkeyPatch) -> WritePlugin:
    """Write a plugin whose library waits for no hook longer than 3 s, on Falco's own thread 1 s.

    All limits of python/python.h are shorter by as much; those that end something are as they are.
    It is not optimised: compiling it takes 10 s then, and 17 otherwise.
    """
    compiled, made = glue._compiled, glue._object
    short = ["-O0", "-DFK_LONG_S=3.0", "-DFK_LOOK_MS=200", "-DFK_YIELD_LOOKS=10"]
    short += ["-DINIT_LIMIT_S=5.0"]  # imports take time on a busy machine

    def with_short_limits(python: Any, flags: Any) -> Path:
        if "-g1" in flags:  # sanitized: its `init` has as little time
            return compiled(python, flags)
        return compiled(python, [*flags, *short])

    def as_ever_without_python(rooms: Any, flags: Any, include: Path | None) -> Path:
        kept = flags if include else [flag for flag in flags if flag not in short]
        return made(rooms, kept, include)

    monkeypatch.setattr(glue, "_compiled", with_short_limits)
    monkeypatch.setattr(glue, "_object", as_ever_without_python)
    return partial(write_plugin, name="hasty")


@pytest.fixture
def call(compile_c: CompileC) -> Call:
    """Run the commands of caller.c on an author's library; its lines, ended by "end"."""
    program = compile_c("caller", [Path(__file__).parent / "caller.c"])

    def run_commands(author: Author, *commands: str) -> list[str]:
        done = subprocess.run(
            [program, author.library, *commands],
            capture_output=True, text=True, errors="replace", timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        lines = done.stdout.splitlines()
        assert lines.pop() == "end"
        return lines

    return run_commands
