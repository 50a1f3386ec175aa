# SPDX-License-Identifier: Apache-2.0
"""What cannot be packaged: one sentence that says why, the exit code of its kind, nothing in dist/.

Each case is a project that an author could have, given to the command in a process of its own.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outside import CODE, drafts, package, wheel, write_project
from roots import namespaces

from falcokit.errors import ToolMissingError
from falcokit.toolchain.cache import cached
from falcokit.toolchain.compiler import find_compiler

if TYPE_CHECKING:
    from collections.abc import Callable

MACHINE = os.uname().machine
OTHER = "aarch64" if MACHINE == "x86_64" else "x86_64"
TAG = "cp{}{}".format(*sys.version_info)
LOCK = f"{TAG}-linux-{MACHINE}.txt"
MODULE = """
#include <Python.h>
{outside}
static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "_fast", 0, -1, 0}};
PyMODINIT_FUNC PyInit__fast(void) {{ {inside} return PyModule_Create(&module); }}
"""


@pytest.fixture(scope="module", autouse=True)
def lock(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The lock of a project without dependencies, which the others begin with."""
    root = write_project(tmp_path_factory.mktemp("locked") / "project")
    done = package(root, "--no-verify")
    assert done.returncode == 0, done.stderr
    return (root / "locks" / LOCK).read_text()


def refused(
    root: Path,
    code: int,
    *parts: str,
    options: tuple[str, ...] = (),
    env: dict[str, str] | None = None,
    prefix: tuple[str, ...] = (),
) -> str:
    """Package, and hold that it is refused in one sentence and leaves nothing."""
    scratch = root.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    env = {"TMPDIR": str(scratch), **(env or {})}
    done = package(root, *options, env=env, prefix=prefix)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.stderr
    for part in parts:
        assert part in done.stderr
    # The line of the author's, if it is about one, stands below.
    assert done.stderr.splitlines()[-1].startswith(("error: ", "hint: ", "     "))
    assert drafts(root) == []
    assert list(scratch.iterdir()) == []
    return done.stderr


def compile_module(target: Path, *flags: str, outside: str = "", inside: str = "") -> Path:
    """Compile an extension module _fast that also has the C given."""
    target.parent.mkdir(exist_ok=True)
    source = target.parent.parent / "fast.c"
    source.write_text(MODULE.format(outside=outside, inside=inside))
    _compile(target, source, f"-I{sysconfig.get_path('include')}", *flags)
    source.unlink()
    return target


def _compile(target: Path, source: Path, *flags: str) -> None:
    compiler = find_compiler().path
    command = [compiler, "-shared", "-fPIC", "-o", str(target), str(source), *flags]
    subprocess.run(command, check=True, capture_output=True)


def library(folder: Path, *flags: str) -> Path:
    """Compile a library with a function help_out."""
    folder.mkdir()
    (folder / "help.c").write_text("int help_out(void) { return 1; }\n")
    _compile(folder / "libhelp.so", folder / "help.c", *flags)
    return folder / "libhelp.so"


USES = {"outside": "int help_out(void);", "inside": "help_out();"}


def needs_a_place(file: Path, folder: Path) -> None:
    compile_module(file, str(library(folder / "lib")), **USES)


def needs_relocations_in_code(file: Path, _folder: Path) -> None:
    word = '__asm__(".text\\n.balign 8\\n.quad PyInit__fast\\n");'
    compile_module(file, "-Wl,-z,notext", outside=word)


def needs_what_is_gone(file: Path, folder: Path) -> None:
    gone = library(folder / "lib", "-Wl,-soname,libhelpgone.so.7")
    compile_module(file, str(gone), **USES)
    gone.unlink()


def is_for_another_machine(file: Path, _folder: Path) -> None:
    data = bytearray(compile_module(file).read_bytes())
    struct.pack_into("<H", data, 18, {"aarch64": 183, "x86_64": 62}[OTHER])
    file.write_bytes(data)


def is_cut_short(file: Path, _folder: Path) -> None:
    data = compile_module(file).read_bytes()
    file.write_bytes(data[: len(data) // 4] + b"PyInit__fast")


def is_no_library(file: Path, _folder: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"PyInit__fast")


EXTENSIONS: dict[Callable[[Path, Path], None], tuple[str, ...]] = {
    needs_a_place: (
        "_fast of {}",
        "cannot be moved: it needs /",
        "libhelp.so at exactly that path",
    ),
    needs_relocations_in_code: ("_fast of {}", "cannot be moved", "TEXTREL", "-fPIC"),
    needs_what_is_gone: ("_fast of {}", "needs the library libhelpgone.so.7", "system package"),
    is_for_another_machine: (
        "_fast of {}",
        f"is built for {OTHER}, but the artifact is for {MACHINE}",
    ),
    is_cut_short: ("_fast.so", "is a damaged ELF file"),
    is_no_library: ("_fast.so of the plugin is not a shared object",),
}


@pytest.mark.parametrize(
    ("spoil", "parts"), EXTENSIONS.items(), ids=[spoil.__name__ for spoil in EXTENSIONS]
)
def test_an_extension_module_that_cannot_be_shipped(
    tmp_path: Path, spoil: Callable[[Path, Path], None], parts: tuple[str, ...]
) -> None:
    root = write_project(tmp_path / "project")
    spoil(root / "src" / "_fast.so", tmp_path)
    refused(root, 7, *(part.format("the plugin") for part in parts))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory, lock: str) -> Path:
    """A folder in place of an index, with what falcokit needs itself."""
    folder = tmp_path_factory.mktemp("wheels")
    ours = re.findall(r"^(\S+==\S+) ", lock, re.MULTILINE)
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "-d", str(folder), *ours]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def with_wheels(
    tmp_path: Path, wheels: Path, *names: str, settings: str = ""
) -> tuple[Path, Path, dict[str, str]]:
    """Give a project, an empty folder for its wheels, and the environment in which they are found.

    The cache is the test's own for what pip installs: wheels of other tests have the same names.
    """
    folder = tmp_path / "wheels"
    folder.mkdir()
    root = write_project(tmp_path / "project", dependencies=names, settings=settings)
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{folder} {wheels}", "PIP_NO_CACHE_DIR": "1"}
    return root, folder, env


def test_an_extension_of_a_dependency_is_named_with_it(tmp_path: Path, wheels: Path) -> None:
    root, folder, env = with_wheels(tmp_path, wheels, "speedy")
    needs_what_is_gone(tmp_path / "made" / "_fast.so", tmp_path)
    wheel(folder, "speedy", {"_fast.so": (tmp_path / "made" / "_fast.so").read_bytes()})
    refused(root, 7, "extension module _fast of speedy needs the library libhelpgone.so.7", env=env)


def test_a_damaged_library_of_a_dependency_is_named_with_it(tmp_path: Path, wheels: Path) -> None:
    root, folder, env = with_wheels(tmp_path, wheels, "broken")
    is_cut_short(tmp_path / "made" / "_fast.so", tmp_path)
    wheel(folder, "broken", {"_fast.so": (tmp_path / "made" / "_fast.so").read_bytes()})
    refused(root, 7, "_fast.so", "is a damaged ELF file", "leave it out", env=env)


def test_two_dependencies_with_the_same_file_cannot_both_be_shipped(
    tmp_path: Path, wheels: Path
) -> None:
    root, folder, env = with_wheels(tmp_path, wheels, "one", "two")
    wheel(folder, "one", {"shared.py": b"WHO = 1\n"})
    wheel(folder, "two", {"shared.py": b"WHO = 2\n"})
    refused(root, 7, "one and two both", "shared.py", env=env)


def test_a_dependency_without_a_wheel_is_named(tmp_path: Path, wheels: Path) -> None:
    root, folder, env = with_wheels(tmp_path, wheels, "unbuilt")
    shutil.make_archive(str(folder / "unbuilt-1.0"), "gztar", root / "src")
    parts = ("there is no wheel of unbuilt", "pip wheel --no-deps -w wheels unbuilt")
    refused(root, 7, *parts, env=env)
    assert not (root / "locks" / LOCK).exists()


def test_an_index_that_does_not_answer_is_told_as_that(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", dependencies=("six",))
    env = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "PIP_NO_INDEX": "0"}
    refused(root, 7, "the package index does not answer", "PIP_FIND_LINKS", env=env)


def test_a_wheel_that_is_not_the_locked_one_is_refused(tmp_path: Path, lock: str) -> None:
    root = write_project(tmp_path / "project")
    file = root / "locks" / LOCK
    file.write_text(re.sub(r"sha256:.", lambda m: f"sha256:{'01'[m[0][-1] == '0']}", lock))
    before = file.read_text()
    refused(root, 7, "does not have the hash that the lock names", "delete the lock")
    assert file.read_text() == before, "nobody is told what to trust"


@pytest.mark.parametrize("line", ["-r /etc/passwd", "six"])
def test_a_lock_holds_versions_with_hashes_and_nothing_else(
    tmp_path: Path, lock: str, line: str
) -> None:
    root = write_project(tmp_path / "project")
    (root / "locks" / LOCK).write_text(f"{lock}{line}\n")
    refused(root, 3, LOCK, f"{line!r} is not NAME==VERSION with its hashes")


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ("nonsense = 1", "unknown key 'nonsense'"),
        ("repository = 1", "package.repository must be a string"),
        ("include = [1]", "package.include must be a list"),
        ('include = ["no_such_module"]', "has no module 'no_such_module'"),
        ('include = ["no/such/*"]', "'no/such/*' matches no file"),
    ],
)
def test_settings_that_mean_nothing_are_refused(tmp_path: Path, settings: str, part: str) -> None:
    refused(write_project(tmp_path / "project", settings=settings), 3, part)


def test_leaving_out_what_every_plugin_needs_is_refused(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    file = root / "pyproject.toml"
    file.write_text(file.read_text().replace("exclude = [", 'exclude = ["asyncio", '))
    refused(root, 3, "without 'asyncio' no plugin starts")


@pytest.mark.parametrize(
    ("module", "whose"), [("json", "the standard library"), ("msgspec", "the dependency msgspec")]
)
def test_a_module_with_the_name_of_another_is_refused(
    tmp_path: Path, module: str, whose: str
) -> None:
    root = write_project(tmp_path / "project")
    (root / "src" / f"{module}.py").write_text("")
    refused(root, 3, f"src/{module}.py", whose, "rename yours")


@pytest.mark.parametrize("file", ["outer_thing.py", "helper.py"])
def test_a_syntax_error_is_told_with_its_place(tmp_path: Path, file: str) -> None:
    root = write_project(tmp_path / "project")
    (root / "src" / file).write_text("x = 1\ndef f(:\n")
    said = refused(root, 4, f"src/{file}:2: SyntaxError: invalid syntax\n")
    assert said.count("SyntaxError") == 1


def test_a_module_that_is_installed_here_and_is_no_dependency_is_not_there(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", f"import pytest\n{CODE}")
    refused(root, 7, "src/outer_thing.py:1 imports pytest", "project.dependencies")


LINKS: dict[str, tuple[str, str]] = {
    "outside": ("/etc/passwd", "is a link that leaves the project"),
    "above": ("../../../secret", "is a link that leaves the project"),
    "dangling": ("nowhere.py", "is a link that leads nowhere"),
    "loop": ("linked", "is a link that leads nowhere"),
    "folder": ("..", "is a link to a folder that contains it"),
}


@pytest.mark.parametrize(("target", "part"), LINKS.values(), ids=LINKS)
def test_a_link_that_an_artifact_cannot_hold_is_refused(
    tmp_path: Path, target: str, part: str
) -> None:
    (tmp_path / "secret").write_text("")
    root = write_project(tmp_path / "project")
    (root / "src" / "more").mkdir()
    (root / "src" / "more" / "__init__.py").write_text("")
    (root / "src" / "more" / "linked").symlink_to(target)
    refused(root, 3, f"src/more/linked {part}")


def script(file: Path, body: str) -> str:
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


def test_a_python_that_cannot_be_embedded_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    here = Path(os.path.realpath(sys.executable))
    script(
        tmp_path / "bin" / "python3",
        f"""sed 's/bool(get("Py_ENABLE_SHARED"))/False/' | exec "{here}" "$@\"""",
    )
    root = write_project(tmp_path / "project")
    parts = ("has no shared libpython", "apt install python3-dev", "python-build-standalone")
    refused(root, 5, *parts, options=("--runtime", str(tmp_path)))


@pytest.mark.parametrize("given", ["no-such-python", "/etc"])
def test_what_is_no_python_cannot_be_shipped(tmp_path: Path, given: str) -> None:
    root = write_project(tmp_path / "project")
    refused(root, 3, f"--runtime {given}", "CPython 3.11", options=("--runtime", given))


def test_a_file_in_place_of_dist_is_told(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    (root / "dist").write_text("")
    done = package(root)
    assert done.returncode == 7
    assert f"{root}/dist is a file" in done.stderr


def mounted(script: str) -> tuple[str, ...]:
    """Return what runs a command after mounting something for it alone."""
    return (*namespaces(), "sh", "-c", f'{script} && exec "$@"', "sh")


def test_a_full_disk_leaves_nothing_in_dist(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    (root / "dist").mkdir()
    prefix = mounted(f"mount -t tmpfs -o size=2m tmpfs '{root}/dist'")
    parts = (f"outer-0.1.0-linux-{MACHINE}.tar.gz cannot be written", "No space left on device")
    refused(root, 7, *parts, "the disk is full", prefix=prefix)


@pytest.mark.parametrize("size", ["1m", "12m"], ids=["at once", "halfway"])
def test_no_room_for_temporary_files_is_told(tmp_path: Path, size: str) -> None:
    root = write_project(tmp_path / "project")
    (tmp_path / "scratch").mkdir()
    prefix = mounted(f"mount -t tmpfs -o size={size} tmpfs '{tmp_path}/scratch'")
    refused(
        root, 7, "No space left on device", "set TMPDIR to a folder with free space", prefix=prefix
    )


@pytest.mark.parametrize("has_dist", [False, True])
def test_a_project_that_is_read_only_is_told_at_once(tmp_path: Path, has_dist: bool) -> None:
    root = write_project(tmp_path / "project")
    if has_dist:
        (root / "dist").mkdir()
    prefix = mounted(f"mount --bind '{root}' '{root}' && mount -o remount,bind,ro '{root}'")
    said = refused(root, 7, f"{root}/dist cannot be written to: Read-only", prefix=prefix)
    assert "linking" not in said


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    (tmp_path / "cache").write_text("")
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    refused(root, 5, f"{tmp_path}/cache", "XDG_CACHE_HOME", env=env)


def test_a_full_cache_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def make(_target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(ToolMissingError, match="No space left on device") as caught:
        cached("library.so", "0" * 16, make)
    assert "XDG_CACHE_HOME" in str(caught.value.hint)


def test_a_temporary_folder_may_have_any_name(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project")
    (tmp_path / 'a "\\ b').mkdir()
    done = package(root, "--layout", "file", "--no-verify", env={"TMPDIR": f'{tmp_path}/a "\\ b'})
    assert done.returncode == 0, done.stderr[:1000]
