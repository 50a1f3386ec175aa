# SPDX-License-Identifier: Apache-2.0
"""Dependencies: the lock's life, what of a wheel is shipped, and each way in which pip fails.

Wheels are made here and found in a folder; one test takes falcokit's own needs from the index.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from forked import run_forked

from falcokit.errors import ConfigError, PackageError, ToolMissingError
from falcokit.package.dependencies import dependencies, resolve
from falcokit.package.dependencies.dependencies import Dependencies, install_dependencies
from falcokit.package.dependencies.resolve import explain
from falcokit.package.python.python_runtime import PythonRuntime, find_runtime
from falcokit.project.settings import PackageSettings, Project


@pytest.fixture(scope="module")
def here() -> PythonRuntime:
    return find_runtime(None)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "falcokit"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels in place of an index, and a falcokit that needs nothing."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    _only(monkeypatch, folder)
    return folder


def _only(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have pip find the wheels of a folder, and started by a fork of one that is there."""

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert command[:4] == [sys.executable, "-P", "-m", "pip"]
        return run_forked("pip", command[4:], env=options["env"])

    patch.setattr(resolve, "subprocess", SimpleNamespace(run=run, DEVNULL=subprocess.DEVNULL))
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(folder))
    patch.setenv("PIP_NO_CACHE_DIR", "1")
    patch.setattr(dependencies, "_needs", list)


def _wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    files: dict[str, str] | None = None,
    metadata: str = "",
    tag: str = "py3-none-any",
) -> Path:
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}/__init__.py": f"VERSION = {version!r}\n",
        **(files or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = ""
    wheel = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in contents.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
            record += f"{path},sha256={digest.decode()},{len(text.encode())}\n"
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return wheel


def _project(tmp_path: Path, *wanted: str, settings: PackageSettings | None = None) -> Project:
    return Project(
        root=tmp_path,
        plugin="a:B",
        source_dir=tmp_path,
        dependencies=wanted,
        package=settings or PackageSettings(),
    )


def _install(
    project: Project, runtime: PythonRuntime, said: list[str] | None = None
) -> Dependencies:
    return install_dependencies(
        project, runtime, progress=(said if said is not None else []).append
    )


def test_falcokits_own_needs_are_the_backend_of_cffi_and_msgspec(
    tmp_path: Path, here: PythonRuntime
) -> None:
    said: list[str] = []
    project = _project(tmp_path, "falcokit[test]>=0.1", "six")
    found = _install(project, here, said)
    by_name = {d.name: d for d in found.distributions}
    assert sorted(by_name) == ["cffi", "msgspec", "six"]
    modules = [f for f in by_name["cffi"].files if ".dist-info/" not in f]
    assert len(modules) == 1
    assert modules[0].startswith("_cffi_backend.")
    assert "six.py" in by_name["six"].files
    assert by_name["six"].license == "MIT"
    for distribution in found.distributions:
        assert all((found.folder / name).is_file() for name in distribution.files)
        assert any("licen" in name.lower() for name in distribution.files)
        assert len(distribution.sha256 or "") == 64
    assert len(said) == 2
    text = found.lock.read_text()
    assert found.lock == tmp_path / "locks" / f"{here.tag}-linux-{here.machine}.txt"
    assert "://" not in text
    assert str(tmp_path) not in text
    assert "pycparser==" in text, "it is resolved, and locked, although nothing of it is shipped"

    said.clear()
    assert _install(project, here, said) == found
    assert said == [], "an unchanged project runs no installer"
    six = next(line for line in text.splitlines() if line.startswith("six=="))
    assert six.endswith("\\")


def test_cffi_is_shipped_whole_to_those_who_import_it(
    tmp_path: Path, here: PythonRuntime, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "_needs", lambda: ["cffi>=1"])
    files = {"_cffi_backend.abi3.so": "x", "cffi/api.py": ""}
    _wheel(wheels, "cffi", files=files, metadata="Requires-Dist: pycparser\n")
    _wheel(wheels, "pycparser")
    _wheel(wheels, "user", metadata='Requires-Dist: cffi; extra == "fast"\n')
    lean = _install(_project(tmp_path, "user"), here)
    assert {d.name for d in lean.distributions} == {"cffi", "user"}
    assert "cffi/api.py" not in lean.distributions[0].files
    whole = _install(_project(tmp_path, "user[fast]"), here)
    assert {d.name for d in whole.distributions} == {"cffi", "pycparser", "user"}
    assert {"cffi/api.py", "_cffi_backend.abi3.so"} <= set(whole.distributions[0].files)


def test_pip_is_started_once_unless_it_is_for_another_python(
    tmp_path: Path, here: PythonRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(_: object, arguments: list[str], *_rest: object) -> str:
        asked.append(arguments)
        (tmp_path / "report.json").write_text('{"install": []}')
        return ""

    monkeypatch.setattr(resolve, "_run", run)
    pip = resolve.Installer(kind="pip", command=(sys.executable, "-m", "pip"))
    link = tmp_path / "python3"
    link.symlink_to(here.python)
    other = Path("/opt/python/bin/python3")
    for python in (here.python, link, other):
        runtime = dataclasses.replace(here, python=python)
        assert resolve.resolve(pip, ["six"], runtime, tmp_path, ()) == ()
        resolve.install(pip, (), runtime, tmp_path, tmp_path / "site")
    assert [arguments[0] for arguments in asked[:4]] == ["install"] * 4
    assert [arguments[:3] for arguments in asked[4:]] == [["--python", str(other), "install"]] * 2


def test_the_lock_holds_versions_until_the_requirements_change(
    tmp_path: Path, here: PythonRuntime, wheels: Path
) -> None:
    _wheel(wheels, "acme")
    first = _install(_project(tmp_path, "acme"), here)
    text = first.lock.read_text()
    _wheel(wheels, "acme", "2.0")
    assert _install(_project(tmp_path, "acme"), here) == first
    assert first.lock.read_text() == text
    changed = _install(_project(tmp_path, "acme>=1"), here)
    assert changed.distributions[0].version == "2.0"
    first.lock.unlink()
    assert _install(_project(tmp_path, "acme"), here).distributions[0].version == "2.0"


def test_the_same_resolution_writes_the_same_lock(
    tmp_path: Path, here: PythonRuntime, wheels: Path
) -> None:
    for name in ("zeta", "acme", "mid"):
        _wheel(wheels, name)
    first = _install(_project(tmp_path, "zeta", "acme", "mid"), here)
    text = first.lock.read_text()
    first.lock.unlink()
    assert _install(_project(tmp_path, "mid", "zeta", "acme"), here).lock.read_text() == text
    names = [line.partition("==")[0] for line in text.splitlines() if "==" in line]
    assert names == ["acme", "mid", "zeta"]


def test_a_wheel_is_shipped_without_what_a_plugin_cannot_use(
    tmp_path: Path, here: PythonRuntime, wheels: Path
) -> None:
    info = "acme-1.0.dist-info"
    kept = ["acme/__init__.py", "acme/words.json", "acme/_fast.abi3.so", "acme/testing.py"]
    left = ["acme/tests/test_a.py", "acme/a.pyi", "acme/py.typed", "acme/a.c", "acme.pth"]
    system = ["acme-1.0.data/scripts/acme", "acme-1.0.data/data/etc/acme.conf"]
    licences = [f"{info}/LICENSE.txt", f"{info}/licenses/sub/COPYING", f"{info}/entry_points.txt"]
    files = dict.fromkeys([*kept, *left, *system, *licences], "x\n")
    _wheel(wheels, "acme", files=files, metadata="License-Expression: MIT OR 0BSD\n")
    (acme,) = _install(_project(tmp_path, "acme"), here).distributions
    assert set(acme.files) == {*kept, *licences, f"{info}/METADATA"}
    assert acme.license == "MIT OR 0BSD"
    settings = PackageSettings(include=("acme/*.pyi", "curses"), exclude=("acme/words.*",))
    (acme,) = _install(_project(tmp_path, "acme", settings=settings), here).distributions
    assert "acme/a.pyi" in acme.files
    assert "acme/words.json" not in acme.files
    for key in ("include", "exclude"):
        wrong = _project(tmp_path, "acme", settings=PackageSettings(**{key: ("acme/none",)}))
        with pytest.raises(ConfigError, match=f"{key}: 'acme/none' matches no file"):
            _install(wrong, here)


LICENCES: dict[str, str | None] = {
    "License: BSD 3-Clause\n": "BSD 3-Clause",
    "License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n": "MIT",
    "License: a whole\n text\nClassifier: License :: Other License\n": "Other License",
    "Classifier: License :: OSI Approved\n": None,
    "": None,
}


@pytest.fixture(scope="module")
def licensed(tmp_path_factory: pytest.TempPathFactory, here: PythonRuntime) -> Dependencies:
    """A distribution with each of the metadata of LICENCES, in that order, installed at once."""
    folder = tmp_path_factory.mktemp("licensed")
    (folder / "wheels").mkdir()
    names = [f"acme{number}" for number in range(len(LICENCES))]
    for name, metadata in zip(names, LICENCES, strict=True):
        _wheel(folder / "wheels", name, metadata=metadata)
    with pytest.MonkeyPatch.context() as patch:
        _only(patch, folder / "wheels")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        found = _install(_project(folder, *names), here)
    assert [d.name for d in found.distributions] == names
    return found


@pytest.mark.parametrize(("metadata", "expected"), LICENCES.items())
def test_a_licence_is_found_in_the_metadata_of_every_age(
    metadata: str, expected: str | None, licensed: Dependencies
) -> None:
    assert licensed.distributions[list(LICENCES).index(metadata)].license == expected


def test_markers_are_those_of_the_python_that_is_shipped(
    tmp_path: Path, here: PythonRuntime, wheels: Path
) -> None:
    _wheel(wheels, "acme", metadata='Requires-Dist: never; python_version < "3"\n')
    found = _install(_project(tmp_path, "acme", 'gone; sys_platform == "win32"'), here)
    assert [d.name for d in found.distributions] == ["acme"]


def test_a_folder_that_was_damaged_is_installed_anew(
    tmp_path: Path, here: PythonRuntime, wheels: Path
) -> None:
    _wheel(wheels, "acme")
    found = _install(_project(tmp_path, "acme"), here)
    module = found.folder / "acme" / "__init__.py"
    whole = module.read_text()
    for damage in (module.unlink, lambda: module.write_text("longer than it was: no")):
        damage()
        assert _install(_project(tmp_path, "acme"), here) == found
        assert module.read_text() == whole


def test_a_file_of_two_distributions_is_shipped_once_and_only_if_it_is_the_same(
    tmp_path: Path, here: PythonRuntime, wheels: Path
) -> None:
    for name in ("acme", "other"):
        _wheel(wheels, name, files={"space/__init__.py": "# both\n", f"space/{name}.py": ""})
    first, second = _install(_project(tmp_path, "acme", "other"), here).distributions
    assert "space/__init__.py" in first.files
    assert "space/__init__.py" not in second.files
    _wheel(wheels, "other", "2.0", files={"space/__init__.py": "# another\n"})
    with pytest.raises(PackageError, match="acme and other both have the file space/"):
        _install(_project(tmp_path, "acme", "other>1"), here)


def _sdist_only(folder: Path) -> None:
    (folder / "acme-1.0.tar.gz").write_bytes(b"never unpacked")


def _other_python(folder: Path) -> None:
    _wheel(folder, "acme", tag="cp39-cp39-manylinux_2_17_x86_64")


def _damaged(folder: Path) -> None:
    wheel = _wheel(folder, "acme")
    wheel.write_bytes(wheel.read_bytes()[:200])


def _exclusive(folder: Path) -> None:
    _wheel(folder, "acme", metadata="Requires-Dist: base<2\n")
    _wheel(folder, "other", metadata="Requires-Dist: base>=2\n")
    _wheel(folder, "base")
    _wheel(folder, "base", "2.0")


def _direct(folder: Path) -> None:
    base = _wheel(folder, "base")
    _wheel(folder, "acme", metadata=f"Requires-Dist: base @ {base.as_uri()}\n")


def _old_only(folder: Path) -> None:
    _wheel(folder, "acme", "0.9")


PROBLEMS = {
    "no wheel": (_sdist_only, ("acme",), "no wheel of acme for CPython 3", "pip wheel"),
    "another Python": (_other_python, ("acme",), "no wheel of acme for CPython 3", "--runtime"),
    "unknown": (lambda _: None, ("acme",), "no wheel of acme", "right name"),
    "too old": (_old_only, ("acme>=1",), "no wheel of acme>=1 .*the newest is 0.9", "pyproject"),
    "damaged": (_damaged, ("acme",), "damaged", "cache"),
    "exclusive": (
        _exclusive,
        ("acme", "other"),
        "dependencies conflict: .*acme 1.0 needs base<2",
        "",
    ),
    "address": (_direct, ("acme",), "asks for base by address", "by name"),
}


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_what_pip_cannot_get_is_one_sentence(
    problem: tuple[object, tuple[str, ...], str, str],
    tmp_path: Path,
    here: PythonRuntime,
    wheels: Path,
) -> None:
    prepare, wanted, message, hint = problem
    assert callable(prepare)
    prepare(wheels)
    with pytest.raises(PackageError, match=message) as caught:
        _install(_project(tmp_path, *wanted), here)
    assert hint in str(caught.value.hint)
    assert "\n" not in caught.value.message
    assert not (tmp_path / "locks").exists(), "there is no lock of what failed"


def test_a_wheel_that_was_replaced_is_refused(
    tmp_path: Path, here: PythonRuntime, wheels: Path, own_cache: Path
) -> None:
    _wheel(wheels, "acme")
    found = _install(_project(tmp_path, "acme"), here)
    found.folder.rename(tmp_path / "aside")
    _wheel(wheels, "acme", files={"acme/evil.py": "import os\n"})
    with pytest.raises(PackageError, match="acme does not have the hash that the lock names"):
        _install(_project(tmp_path, "acme"), here)
    assert list(own_cache.iterdir()) == []


def test_an_index_that_does_not_answer_is_told_without_its_password(
    tmp_path: Path, here: PythonRuntime, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "1")  # with 0 pip says nothing
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:secret@127.0.0.1:9/simple")
    with pytest.raises(PackageError, match="index does not answer") as caught:
        _install(_project(tmp_path, "acme"), here)
    assert "secret" not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("acme @ file:///tmp/acme.whl", "acme is given by an address"),
        ("acme @ git+https://me:secret@example.com/acme", "acme is given by an address"),
        ("./acme", "'./acme' is not a requirement"),
        ("acme>>1", "is not a requirement"),
        ("https://me:secret@example.com/acme.whl", "is not a requirement"),
    ],
)
def test_a_requirement_that_no_lock_can_hold_is_refused(
    wanted: str, message: str, tmp_path: Path, here: PythonRuntime
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        _install(_project(tmp_path, wanted), here)
    assert "PIP_FIND_LINKS" in str(caught.value.hint)
    assert "secret" not in f"{caught.value.message}{caught.value.hint}"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, here: PythonRuntime) -> str:
    """The lock of a project with one dependency."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "wheels").mkdir()
    _wheel(folder / "wheels", "acme")
    with pytest.MonkeyPatch.context() as patch:
        _only(patch, folder / "wheels")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        return _install(_project(folder, "acme"), here).lock.read_text()


@pytest.mark.parametrize(
    "line",
    [
        "--index-url http://example.com",
        "acme==1.0",
        "acme>=1 --hash=sha256:" + "0" * 64,
        "acme @ http://example.com/a.whl --hash=sha256:" + "0" * 64,
        "acme==1.0 --hash=sha256:" + "0" * 64 + " --index-url=http://example.com",
        "-r other.txt",
    ],
)
def test_a_lock_that_asks_for_more_than_versions_is_refused(
    line: str, tmp_path: Path, here: PythonRuntime, wheels: Path, locked: str
) -> None:
    lock = tmp_path / "locks" / f"{here.tag}-linux-{here.machine}.txt"
    lock.parent.mkdir()
    lock.write_text(f"{locked}{line}\n")
    with pytest.raises(ConfigError, match="is not NAME==VERSION with its hashes") as caught:
        _install(_project(tmp_path, "acme"), here)
    assert f"rm {lock}" in str(caught.value.hint)


def test_a_file_that_falcokit_did_not_write_is_not_overwritten(
    tmp_path: Path, here: PythonRuntime, wheels: Path
) -> None:
    lock = tmp_path / "locks" / f"{here.tag}-linux-{here.machine}.txt"
    lock.parent.mkdir()
    for content, message in ((b"acme==1.0\n", "has no line '# inputs:'"), (b"\xff", "not UTF-8")):
        lock.write_bytes(content)
        with pytest.raises(ConfigError, match=message):
            _install(_project(tmp_path), here)
        assert lock.read_bytes() == content


def test_a_lock_that_cannot_be_written_is_told(
    tmp_path: Path, here: PythonRuntime, wheels: Path
) -> None:
    (tmp_path / "locks").write_text("a file in its place")
    with pytest.raises(PackageError, match="cannot be written"):
        _install(_project(tmp_path), here)


UNSATISFIABLE = "error: No solution found\n  cause: Because {}, we can conclude that it fails."
UV_SAYS = {
    UNSATISFIABLE.format("only idna<=3.20 is available and you require idna>=99"): (
        "cannot be satisfied: only idna<=3.20 is available and you require idna>=99"
    ),
    UNSATISFIABLE.format("pyaes==1.6.1 has no usable wheels and you require it"): (
        "there is no wheel of pyaes==1.6.1 for CPython"
    ),
    "error: Request failed\n  cause: Failed to fetch: http://me:secret@h/simple/": (
        "the package index does not answer"
    ),
    "error: Hash mismatch for `idna==3.1`\n\nExpected:\n": "wheel of idna does not have the hash",
    "error: something else": "uv could not get the dependencies: something else",
}


@pytest.mark.parametrize(("output", "expected"), UV_SAYS.items())
def test_what_uv_says_is_one_sentence_too(output: str, expected: str, here: PythonRuntime) -> None:
    told = explain(output, "uv", here)
    assert expected in told.message
    assert "secret" not in f"{told.message}{told.hint}"


def test_without_pip_and_uv_the_hint_says_how_to_get_one(
    tmp_path: Path, here: PythonRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="neither pip nor uv") as caught:
        _install(_project(tmp_path), here)
    assert "ensurepip" in str(caught.value.hint)
