# SPDX-License-Identifier: Apache-2.0
"""Owns what tests share: the real host, C that is compiled once, and the ban on print."""

from __future__ import annotations

import builtins
import contextlib
import fcntl
import importlib
import os
import pickle
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from falcokit.build import build_project
from falcokit.native import PLUGIN_API, ROOMS, SOURCES
from falcokit.runner.program import runner_sources
from falcokit.toolchain.cache import key_of
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler, find_libpython

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

__all__ = ["Baseline", "CompileC", "RealHost", "Shared"]

# In the background of a script these are ignored, and by every program started here as well.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

_TESTS = Path(__file__).parent
_HOSTS = _TESTS / "hosts"
_API = PLUGIN_API.parent
_STRICT = ["-std=gnu11", "-g", "-pthread", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep lone surrogates out of what was captured: a worker could not send it."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test marked "alone" wait until the other workers' tests have ended, and they for it."""
    # tests/run.sh names a folder for all Pythons, whose tests run beside each other.
    common = os.environ.get("FALCOKIT_TESTS_DOOR")
    if common is None and "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    # A folder of each run, in which each worker has its own.
    own: Path = item.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    folder = Path(common) if common else own.parent
    with (folder / "door").open("w") as door, (folder / "room").open("w") as room:
        alone = item.get_closest_marker("alone") is not None
        # Whoever wants to be alone closes the door first, so that nobody comes in any more.
        fcntl.flock(door, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(door, fcntl.LOCK_UN)
        return (yield)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With -m MARK read only files that mention it, or whose folder's conftest.py does.

    To import all tests takes longer than to run those that a further Python needs.
    """
    mark = config.getoption("markexpr")
    if mark not in {"python", "smoke"} or not collection_path.match("test_*.py"):
        return None
    near = collection_path.with_name("conftest.py")
    files = [collection_path, *([near] if near.is_file() and near.parent != _TESTS else [])]
    return None if any(f"mark.{mark}" in file.read_text() for file in files) else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Let each worker import a part of the tests first, whose bytecode the others then find.

    pytest rewrites assertions, which takes longer than all the rest of the imports; the workers
    would all be at the same file.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or worker["workercount"] == 1 or session.config.getoption("file_or_dir"):
        return
    number, count = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    for file in sorted(_TESTS.rglob("test_*.py"))[number::count]:
        sys.path.insert(0, str(file.parent))
        # What is wrong with it is told when it is collected.
        with contextlib.suppress(Exception, pytest.skip.Exception, pytest.fail.Exception):
            importlib.import_module(file.stem)
        sys.path.remove(str(file.parent))
    own: Path = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    (own.parent / f"imported-{number}").touch()
    deadline = time.monotonic() + 60
    while len([*own.parent.glob("imported-*")]) < count and time.monotonic() < deadline:
        time.sleep(0.02)


@dataclass(frozen=True, kw_only=True)
class RealHost:
    """The framework's own programs, as tests/hosts/get-host.sh leaves them."""

    sysdig: Path
    plughost: Path
    headers: Path
    baseline: Path
    baseline_async: Path


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The C baseline plugin: with its event source, and with async events alone."""

    source: Path
    async_only: Path


class CompileC(Protocol):
    """Compile C sources of tests/hosts to a file of that name, with our own plugin_api.h."""

    def __call__(self, name: str, sources: Iterable[Path], *flags: str) -> Path: ...


@pytest.fixture(scope="session")
def real_host() -> RealHost:
    folder = Path(os.environ.get("FALCOKIT_HOST_DIR") or Path.home() / ".cache" / "falcokit-host")
    host = RealHost(
        sysdig=folder / "sysdig",
        plughost=folder / "plughost",
        headers=folder / "headers",
        baseline=folder / "libbaseline.so",
        baseline_async=folder / "libbaseline_async.so",
    )
    if not all(path.exists() for path in vars(host).values()):
        message = f"there is no real host in {folder}: run tests/hosts/get-host.sh"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return host


class Shared(Protocol):
    """Let one of the workers make what all of them use: `make` gets a folder of its own.

    What it returns is pickled for the others.
    """

    def __call__(self, key: str, make: Callable[[Path], Any]) -> Any: ...


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    base = tmp_path_factory.getbasetemp()
    # Each worker has a folder of its own in that of the run.
    common = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    common.mkdir(exist_ok=True)

    def use(key: str, make: Callable[[Path], Any]) -> Any:
        folder, result = common / key, common / f"{key}.pickle"
        with (common / f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                folder.mkdir()
                result.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(result.read_bytes())

    return use


@pytest.fixture(scope="session")
def compile_c(shared: Shared) -> CompileC:
    compiler = find_compiler().path

    def compile_sources(name: str, sources: Iterable[Path], *flags: str) -> Path:
        files = [str(source) for source in sources]

        def make(folder: Path) -> Path:
            target = folder / name
            shape = ["-fPIC", "-shared"] if target.suffix == ".so" else []
            run(
                [
                    compiler,
                    *_STRICT,
                    "-O1",
                    *shape,
                    f"-I{_API}",
                    f"-I{SOURCES}",
                    *flags,
                    "-o",
                    str(target),
                    *files,
                    "-ldl",
                ]
            )
            return target

        contents = [Path(file).read_bytes() for file in files if Path(file).suffix == ".c"]
        made: Path = shared(f"{name}-{key_of([name, *files, *flags, *contents])}", make)
        return made

    return compile_sources


def _compile_each(folder: Path, command: Sequence[str], files: Iterable[Path]) -> dict[Path, Path]:
    def compile_one(file: Path) -> Path:
        target = folder / f"{'-'.join(file.relative_to(SOURCES).parts)}.o"
        run([*command, "-c", str(file), "-o", str(target)])
        return target

    files = list(files)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(files, pool.map(compile_one, files), strict=True))


@pytest.fixture(scope="session")
def glue_objects(shared: Shared) -> dict[Path, Path]:
    """Each C file of the glue library, and what it was compiled to without a warning."""
    # As it is shipped, or what the optimizer would see is not warned of.
    command = [find_compiler().path, *_STRICT, "-O2", "-g0", "-fPIC", "-D_GNU_SOURCE"]
    command += [f"-I{_API}", f"-I{SOURCES}", f"-I{find_libpython().include}"]

    def make(folder: Path) -> dict[Path, Path]:
        # Python's headers are much of the work: read them once.
        header = folder / "python.h"
        header.write_text("#define PY_SSIZE_T_CLEAN\n#include <Python.h>\n")
        run([*command, "-x", "c-header", str(header), "-o", f"{header}.gch"])
        without = [room for room in ROOMS if room in {"json", "memory", "payload"}]
        rooms = [room for room in ROOMS if room not in without]
        with_python = [*command, "-include", str(header), "-Winvalid-pch"]
        return {
            **_compile_each(folder, command, _files_of(without)),
            **_compile_each(folder, with_python, _files_of(rooms)),
        }

    made: dict[Path, Path] = shared("glue-objects", make)
    return made


def _files_of(rooms: Iterable[str]) -> list[Path]:
    return [file for room in rooms for file in sorted((SOURCES / room).glob("*.c"))]


@pytest.fixture(scope="session")
def runner_objects(shared: Shared) -> dict[Path, Path]:
    """Each C file of the runner and of `falcokit.testing`, and what it was compiled to."""
    command = [find_compiler().path, *_STRICT, "-O1", f"-I{_API}", f"-I{SOURCES}"]
    files = [SOURCES / "testing" / "host.c", *runner_sources()]
    made: dict[Path, Path] = shared("runner-objects", lambda to: _compile_each(to, command, files))
    return made


@pytest.fixture(scope="session")
def baseline(compile_c: CompileC) -> Baseline:
    sources = sorted(_HOSTS.glob("baseline_*.c"))
    return Baseline(
        source=compile_c("libbaseline.so", sources),
        async_only=compile_c("libbaseline_async.so", sources, "-DNO_SOURCE"),
    )


@pytest.fixture(scope="session")
def torture(compile_c: CompileC) -> Path:
    """The program tests/hosts/torture.c, which does to plugins what no sensible host does."""
    return compile_c("torture", sorted(_HOSTS.glob("torture*.c")))


@pytest.fixture
def quick_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let builds of this process describe their classes in forks of one that has started."""
    import describer

    monkeypatch.setattr(build_project, "subprocess", describer)


@pytest.fixture(autouse=True)
def no_print(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test wants to show, it asserts."""
    original = builtins.print

    def guarded(*values: Any, **options: Any) -> None:
        caller = Path(sys._getframe(1).f_code.co_filename)
        if caller.parent.is_relative_to(_TESTS) and caller.name.startswith("test_"):
            pytest.fail("a test printed; use an assertion")
        original(*values, **options)

    monkeypatch.setattr(builtins, "print", guarded)
