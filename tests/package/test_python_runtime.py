# SPDX-License-Identifier: Apache-2.0
"""Which Python is shipped: real interpreters, a moved prefix, archives good and hostile, fakes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.errors import ConfigError, FalcokitError, ToolMissingError
from falcokit.package.python import python_archive, python_runtime
from falcokit.package.python.python_runtime import PythonRuntime, find_runtime
from falcokit.package.python.stdlib import stdlib_selection
from falcokit.project.settings import PackageSettings
from falcokit.toolchain.compiler import find_libpython

if TYPE_CHECKING:
    from collections.abc import Iterable

_BASE = Path(sys._base_executable)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def here() -> PythonRuntime:
    return find_runtime(None)


def test_the_python_that_runs_falcokit_is_the_default(here: PythonRuntime) -> None:
    assert here.version == ".".join(map(str, sys.version_info[:3]))
    assert here.tag == f"cp3{sys.version_info[1]}"
    assert here.machine == os.uname().machine
    assert here.libpython == find_libpython().path
    assert (here.include / "Python.h").is_file()
    assert (here.stdlib / "os.py").is_file()
    assert Path(sys.prefix) not in here.python.parents, "the base, not the virtual environment"
    assert here.label == f"CPython {here.version} (this interpreter)"


def test_a_venv_its_base_and_its_prefix_are_the_same_python(here: PythonRuntime) -> None:
    for given in (sys.executable, str(_BASE), sys.base_prefix):
        found = find_runtime(given)
        assert (found.identity, found.libpython) == (here.identity, here.libpython)


def test_variables_for_python_do_not_bend_the_answer(
    here: PythonRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert find_runtime(None) == here


def _add(archive: tarfile.TarFile, files: Iterable[tuple[str, Path]]) -> None:
    for name, path in files:
        archive.add(path, name)


@pytest.fixture(scope="module")
def moved(here: PythonRuntime, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive like python-build-standalone's: a prefix that lies elsewhere than it was built."""
    file = tmp_path_factory.mktemp("moved") / (
        "cpython-3.99.0+20991231-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
    )
    library = f"python/lib/python{here.version.rpartition('.')[0]}"
    modules = stdlib_selection(here, PackageSettings()).pure
    # What is frozen is not shipped, but an interpreter finds its prefix by os.py.
    frozen = {
        name: here.stdlib / name for m in here.frozen if (name := m.replace(".", "/") + ".py")
    }
    modules |= {name: path for name, path in frozen.items() if path.is_file()}
    include = f"python/include/{here.include.name}/Python.h"
    stripped = file.with_name(here.libpython.name)
    subprocess.run(["strip", "-o", str(stripped), str(here.libpython)], check=True)
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        _add(archive, [("python/bin/python3.99", here.python.resolve()), (include, _header(here))])
        _add(archive, [(f"python/lib/{here.libpython.name}", stripped)])
        _add(archive, [(f"{library}/{name}", path) for name, path in modules.items()])
        link = tarfile.TarInfo("python/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, "python3.99"
        archive.addfile(link)
    return file


def _header(runtime: PythonRuntime) -> Path:
    return runtime.include / "Python.h"


def test_an_archive_is_unpacked_once_and_its_parts_are_found_where_they_were_moved_to(
    moved: Path, here: PythonRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_runtime(str(moved))
    for part in (found.python, found.libpython, found.stdlib, found.include):
        assert part.is_relative_to(tmp_path / "cache"), part
    assert found.version == here.version
    assert found.label.endswith("(python-build-standalone 20991231 install_only_stripped)")
    assert found.dynload == found.stdlib / "lib-dynload", "not that of where it was built"

    def extract(*_: Any) -> None:
        pytest.fail("unpacked again")

    monkeypatch.setattr(python_archive, "_extract", extract)
    assert find_runtime(str(moved)) == found


def _archive(folder: Path, *members: tarfile.TarInfo, name: str = "bad.tar.gz") -> Path:
    file = folder / name
    with tarfile.open(file, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return file


def _member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", size: int = 0) -> Any:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, to, size
    return member


HOSTILE = {
    "a name above the folder": [_member("python/../../evil")],
    "an absolute name": [_member("/evil")],
    "a link that leaves": [_member("python/out", tarfile.SYMTYPE, "../../../evil")],
    "an absolute link": [_member("python/out", tarfile.SYMTYPE, "/etc")],
    "a hard link that leaves": [_member("python/out", tarfile.LNKTYPE, "../../evil")],
    "a file through a link": [
        _member("python/in", tarfile.SYMTYPE, "bin"),
        _member("python/in/python3"),
    ],
    "a link over a link": [
        _member("python/in", tarfile.SYMTYPE, "bin"),
        _member("python/in"),
    ],
    "a link that leaves by a detour": [
        _member("python/a/b/up", tarfile.SYMTYPE, "../.."),
        _member("python/a/b/out", tarfile.SYMTYPE, "up/../../evil"),
    ],
    "a pipe": [_member("python/bin/python3", tarfile.FIFOTYPE)],
    "a device": [_member("python/bin/python3", tarfile.CHRTYPE)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused_and_writes_nothing_outside(
    members: list[tarfile.TarInfo], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"bad\.tar\.gz") as caught:
        find_runtime(str(_archive(tmp_path, *members)))
    assert caught.value.hint
    assert list((tmp_path / "cache" / "falcokit").iterdir()) == [], "half an archive is left"
    assert not list(tmp_path.rglob("evil"))


def test_an_archive_larger_than_any_python_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_archive, "_MOST_BYTES", 1000)
    file = _archive(tmp_path, _member("a", size=600), _member("b", size=600))
    with pytest.raises(ConfigError, match="larger than any Python"):
        find_runtime(str(file))


def test_what_is_no_archive_of_a_python_is_refused(tmp_path: Path, moved: Path) -> None:
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(moved.read_bytes()[:50_000])
    zst = tmp_path / "full.tar.zst"
    zst.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(50))
    other = _archive(tmp_path, _member("readme"), name="other.tar.gz")
    words = {cut: "cannot be unpacked", zst: "not a .tar.gz", other: "no python/bin/python3"}
    for file, expected in words.items():
        with pytest.raises(ConfigError, match=expected) as caught:
            find_runtime(str(file))
        assert "install_only" in str(caught.value.hint)


def _fake(folder: Path, here: PythonRuntime, **changes: Any) -> str:
    """An interpreter that answers as this one does, but for `changes`."""
    done = subprocess.run(
        [str(here.python), "-I", "-"],
        input=python_runtime._QUESTION.encode(),
        capture_output=True,
        check=True,
    )
    answer = folder / "answer.json"
    answer.write_text(json.dumps({**json.loads(done.stdout), **changes}))
    return _script(folder, f"cat {answer}")


def _script(folder: Path, body: str) -> str:
    script = folder / "fake-python"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return str(script)


WRONG: dict[str, tuple[dict[str, Any], type[FalcokitError], str, str]] = {
    "PyPy": ({"implementation": "pypy"}, ConfigError, "is pypy", "CPython"),
    "old": ({"version": [3, 10, 9]}, ConfigError, "older than 3.11", "CPython 3.11"),
    "free-threaded": ({"free_threaded": True}, ConfigError, "free-threaded", "ordinary build"),
    "debug": ({"debug": True}, ConfigError, "debug build", "ordinary build"),
    "static": ({"shared": False}, ToolMissingError, "no shared libpython", "--enable-shared"),
    "no library": ({"library": "libpython9.so"}, ToolMissingError, "libpython9.so", "apt install"),
    "no headers": ({"include": "/nowhere"}, ToolMissingError, "Python.h", "apt install"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_python_that_cannot_be_embedded_is_refused(
    wrong: tuple[dict[str, Any], type[FalcokitError], str, str], here: PythonRuntime, tmp_path: Path
) -> None:
    changes, kind, message, hint = wrong
    with pytest.raises(kind, match=message) as caught:
        find_runtime(_fake(tmp_path, here, **changes))
    assert hint in str(caught.value.hint)


def test_what_does_not_answer_as_python_does_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_runtime, "_ANSWER_WITHIN_S", 0.2)
    scripts = {
        "echo hello": "does not answer as a Python 3 does",
        "echo '{}'": "does not answer as a Python 3 does",
        "echo '[1]'": "does not answer as a Python 3 does",
        "echo gone wrong >&2; exit 3": "gone wrong",
        "exec sleep 60": "did not answer within 0.2 s",
    }
    for body, expected in scripts.items():
        with pytest.raises(ConfigError, match=expected):
            find_runtime(_script(tmp_path, body))


def test_a_python_for_another_machine_is_refused_before_it_is_run(tmp_path: Path) -> None:
    other = 183 if os.uname().machine == "x86_64" else 62
    python = tmp_path / "python3"
    python.write_bytes(
        b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0" + bytes([other, 0]) + bytes(44)
    )
    python.chmod(0o755)
    with pytest.raises(ConfigError, match="but this machine is") as caught:
        find_runtime(str(python))
    assert "architecture" in str(caught.value.hint)


def test_a_path_without_a_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    words = {"text": "cannot be executed", ".": "no bin/python3", "gone": "no such file"}
    for name, expected in words.items():
        with pytest.raises(ConfigError, match=expected):
            find_runtime(str(tmp_path / name))
