# SPDX-License-Identifier: Apache-2.0
"""Bytecode: the same bytes wherever and whenever, names without this machine's paths, the cache."""

from __future__ import annotations

import importlib.util
import marshal
import os
import shutil
import sys
import zipfile
from pathlib import Path
from types import CodeType

import pytest
from own_pythons import PYTHONS

from falcokit.errors import PackageError
from falcokit.package.python import bytecode
from falcokit.package.python.bytecode import compile_sources
from falcokit.package.python.python_runtime import PythonRuntime, find_runtime
from falcokit.package.python.stdlib import stdlib_selection
from falcokit.project.settings import PackageSettings

pytestmark = pytest.mark.python


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "falcokit"


@pytest.fixture(scope="module")
def here() -> PythonRuntime:
    return find_runtime(None)


#: What is likely to differ from run to run: sets, shared constants, long annotations, closures.
MODULES = ("enum.py", "typing.py", "tarfile.py", "asyncio/base_events.py", "json/decoder.py")


def _code(compiled: bytes) -> CodeType:
    code = marshal.loads(compiled[16:])
    assert isinstance(code, CodeType)
    return code


@pytest.mark.parametrize("python", PYTHONS)
def test_the_bytes_are_the_same_in_another_place_at_another_time(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = find_runtime(python)
    pure = stdlib_selection(runtime, PackageSettings()).pure
    sources = {name: pure[name] for name in MODULES}
    copies = {}
    for name in reversed(MODULES):  # the order that they are given in is not the order of work
        copies[name] = tmp_path / "a rather longer folder name" / name
        copies[name].parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(pure[name], copies[name])
        os.utime(copies[name], (1, 1))
    first = compile_sources(runtime, sources, shown="lib", keep=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    second = compile_sources(runtime, copies, shown="lib", keep=False)
    assert list(first.modules) == [f"{name}c" for name in sorted(MODULES)]
    assert first == second
    assert str(Path.home()).encode() not in b"".join(first.modules.values())


def test_python_imports_it_from_a_zip_and_names_the_place_in_the_artifact(
    here: PythonRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "fk_zipped.py"
    source.write_text('def fail():\n    assert __doc__ is None\n    raise ValueError("no")\n')
    compiled = compile_sources(here, {"fk_zipped.py": source}, shown="src")
    file = compiled.modules["fk_zipped.pyc"]
    assert file[:8] == importlib.util.MAGIC_NUMBER + b"\1\0\0\0", "a hash that is not checked"
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr("fk_zipped.pyc", file)
    source.unlink()
    monkeypatch.syspath_prepend(str(tmp_path / "lib.zip"))
    module = importlib.import_module("fk_zipped")
    monkeypatch.delitem(sys.modules, "fk_zipped")
    assert module.fail.__code__.co_filename == "src/fk_zipped.py"
    with pytest.raises(ValueError, match="no"):
        module.fail()


def test_without_a_folder_the_name_stands_alone_and_optimize_drops_what_it_should(
    here: PythonRuntime, tmp_path: Path
) -> None:
    source = tmp_path / "a.py"
    source.write_text('"""Words."""\nassert x\n')
    plain = _code(compile_sources(here, {"a.py": source}, shown="").modules["a.pyc"])
    small = compile_sources(here, {"a.py": source}, shown="", optimize=2).modules["a.pyc"]
    assert plain.co_filename == "a.py"
    assert "Words." in plain.co_consts
    assert "x" in plain.co_names
    assert "Words." not in _code(small).co_consts
    assert "x" not in _code(small).co_names


def test_a_source_that_does_not_compile_is_told_with_its_line(
    here: PythonRuntime, tmp_path: Path
) -> None:
    sources = {}
    texts = {
        "good.py": b"x = 1\n",
        "old.py": b"import os\n\nprint 'two'\n",
        "latin.py": b'x = "\xe9"\n',
        "null.py": b"x = 1\0\n",
        "template.py": b"\n{{ name }} = class\n",
        "deep.py": b"x = " + b"(" * 5000 + b")" * 5000,
        "warns.py": b'x = "\\d"\n',
    }
    for name, text in texts.items():
        sources[name] = tmp_path / name
        sources[name].write_bytes(text)
    compiled = compile_sources(here, sources, shown="src")
    assert sorted(compiled.modules) == ["good.pyc", "warns.pyc"]
    assert sorted(compiled.failed) == ["deep.py", "latin.py", "null.py", "old.py", "template.py"]
    assert compiled.failed["old.py"].line == 3
    assert compiled.failed["old.py"].message.startswith("SyntaxError: Missing parentheses")
    assert str(compiled.failed["template.py"]).startswith("line 2: SyntaxError")


def test_a_second_run_compiles_nothing_and_a_damaged_entry_is_made_anew(
    here: PythonRuntime, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "a.py"
    source.write_text("x = 1\n")
    first = compile_sources(here, {"a.py": source}, shown="src")
    (entry,) = own_cache.glob("bytecode-*")
    child = bytecode._run_child
    runs: list[bytes] = []

    def counted(runtime: PythonRuntime, request: bytes) -> bytes:
        runs.append(request)
        return child(runtime, request)

    monkeypatch.setattr(bytecode, "_run_child", counted)
    assert compile_sources(here, {"a.py": source}, shown="src") == first
    assert runs == []
    whole = entry.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + b"!", b""):
        entry.write_bytes(damaged)
        runs.clear()
        assert compile_sources(here, {"a.py": source}, shown="src") == first
        assert len(runs) == 1
        assert entry.read_bytes() == whole
    runs.clear()
    source.write_text("x = 2\n")
    assert compile_sources(here, {"a.py": source}, shown="src", keep=False) != first
    assert len(runs) == 1
    assert list(own_cache.iterdir()) == [entry], "what is not kept leaves nothing"


def test_a_source_that_is_gone_and_a_python_that_fails_are_one_sentence(
    here: PythonRuntime, tmp_path: Path
) -> None:
    with pytest.raises(PackageError, match="cannot be read: No such file"):
        compile_sources(here, {"a.py": tmp_path / "a.py"}, shown="src")
    (tmp_path / "a.py").write_text("")
    broken = PythonRuntime(**{**vars(here), "python": Path(shutil.which("false") or "")})
    with pytest.raises(PackageError, match="failed to compile with status 1"):
        compile_sources(broken, {"a.py": tmp_path / "a.py"}, shown="src")
    silent = PythonRuntime(**{**vars(here), "python": Path(shutil.which("true") or "")})
    with pytest.raises(PackageError, match="gave no bytecode"):
        compile_sources(silent, {"a.py": tmp_path / "a.py"}, shown="src")
