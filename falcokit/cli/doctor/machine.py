# SPDX-License-Identifier: Apache-2.0
"""The checks of this machine, and of the Python that runs falcokit."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import mmap
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falcokit.cli.doctor.table import Check, NothingError, Subject, TroubleError, WorryError
from falcokit.cli.environment import has_module, missing_requirements, started_in
from falcokit.errors import BuildError, ToolMissingError
from falcokit.project.environment import is_tool, project_environment
from falcokit.toolchain.cache import cache_folder
from falcokit.toolchain.command import run
from falcokit.toolchain.compiler import find_compiler, find_libpython
from falcokit.toolchain.prebuilt import find_prebuilt_glue

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MACHINE"]

_OLDEST, _NEWEST = (3, 11), (3, 15)
_COMPILE_SECONDS: Final = 10.0
#: What a first build and a package need.
_FREE_BYTES: Final = 200 << 20
_MB: Final = 1 << 20
#: Linux: close on exec, and never wait.
_IN_FLAGS: Final = 0o2000000 | 0o4000
_IN_CLOSE_WRITE: Final = 0x8


def _python(_: Subject) -> str:
    name, version = platform.python_implementation(), sys.version_info[:2]
    shown = f"{name} {platform.python_version()} ({sys.executable})"
    if name != "CPython" or not _OLDEST <= version <= _NEWEST:
        raise TroubleError(shown)
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise TroubleError(f"{shown}, a free-threaded build")
    return shown


def _environment(subject: Subject) -> str:
    where = f"{sys.prefix}"
    if first := started_in():
        return f"{where}, the project's; falcokit was started in {first}"
    if not is_tool():
        return where
    root = subject.project.root if subject.project is not None else None
    found = project_environment(root) if root is not None else None
    if found is not None and not found.has_falcokit:
        raise WorryError(
            f"{found.prefix} is the project's, and has no falcokit; this is {where}",
            f"{found.python} -m pip install falcokit",
        )
    if root is not None and found is None:
        raise WorryError(f"{where} is not the project's, which has none")
    return where


def _packages(_: Subject) -> str:
    try:
        wanted = requires("falcokit") or []
    except PackageNotFoundError:
        raise WorryError("falcokit runs without being installed") from None
    missing = missing_requirements([text for text in wanted if "extra ==" not in text])
    if missing:
        raise TroubleError(f"missing: {', '.join(missing)}")
    return "all that falcokit needs is there"


def _libpython(_: Subject) -> str:
    return str(find_libpython().path)


def _compiler(_: Subject) -> str:
    if _has_its_c():
        return "not needed: this falcokit came as a wheel, with its C compiled"
    found = find_compiler()
    with tempfile.TemporaryDirectory(prefix="falcokit-doctor-") as folder:
        source, library = Path(folder, "x.c"), Path(folder, "x.so")
        source.write_text("#include <stdint.h>\n#include <string.h>\nint x(void) { return 0; }\n")
        try:
            command = [found.path, "-shared", "-fPIC", str(source), "-o", str(library)]
            run(command, timeout=_COMPILE_SECONDS)
        except BuildError as e:
            said = e.message.replace("\n", " ")[:200]
            raise TroubleError(f"it makes no library: {said}") from e
    return f"{found.version} ({found.path})"


def _has_its_c() -> bool:
    """Return whether the glue for this Python came with falcokit."""
    with contextlib.suppress(ToolMissingError):
        return find_prebuilt_glue(find_libpython().path) is not None
    return False


def _cache(_: Subject) -> str:
    folder = cache_folder()
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        raise WorryError(f"{folder} has {free // _MB} MB free", "free some space there")
    return f"{folder}, {free // _MB} MB free"


def _temporary(_: Subject) -> str:
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    return tempfile.gettempdir()


def _noexec(subject: Subject) -> str:
    folders = list(_loaded_from(subject))
    for folder in folders:
        if os.statvfs(folder).f_flag & os.ST_NOEXEC:
            raise TroubleError(f"{folder} is mounted noexec")
    return ", ".join(map(str, folders))


def _loaded_from(subject: Subject) -> Iterator[Path]:
    """Yield the folders from which libraries and programs are loaded, as far as they exist."""
    yield cache_folder()
    try:
        project = subject.need_project()
    except NothingError:
        return
    yield project.build_dir if project.build_dir.is_dir() else project.root


def _memfd(_: Subject) -> str:
    try:
        fd = os.memfd_create("falcokit-doctor")
        try:
            os.ftruncate(fd, mmap.PAGESIZE)
            mmap.mmap(
                fd, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC
            ).close()
        finally:
            os.close(fd)
    except OSError as e:
        raise WorryError(f"executable memory files are refused: {e.strerror}") from e
    if not Path("/proc/self/fd").is_dir():
        raise WorryError("/proc is not mounted, by which memory files are opened")
    return "executable memory files are allowed"


def _inotify(_: Subject) -> str:
    code = _watch_a_folder()
    if code == errno.EMFILE:
        raise WorryError(
            "all inotify instances of this user are taken",
            "sudo sysctl fs.inotify.max_user_instances=512",
        )
    if code == errno.ENOSPC:
        raise WorryError(
            "all inotify watches of this user are taken",
            "sudo sysctl fs.inotify.max_user_watches=524288",
        )
    if code:
        raise WorryError(f"inotify is refused: {os.strerror(code)}")
    return "saves are noticed at once"


def _watch_a_folder() -> int:
    """Watch a folder; return 0, or the error."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.inotify_init1(_IN_FLAGS)
    if fd < 0:
        return ctypes.get_errno()
    try:
        watched = libc.inotify_add_watch(fd, b"/", _IN_CLOSE_WRITE)
        return ctypes.get_errno() if watched < 0 else 0
    finally:
        os.close(fd)


def _pytest(_: Subject) -> str:
    if not has_module("pytest"):
        raise WorryError("pytest is not installed, which `falcokit test` runs")
    return "pytest is installed"


_INSTALL: Final = f"{sys.executable} -m pip install"

MACHINE: Final = (
    Check(
        name="python",
        what="the Python that runs falcokit",
        fix="use an ordinary build of CPython 3.11 to 3.15",
        look=_python,
    ),
    Check(
        name="environment",
        what="the environment, which should be the project's",
        fix="make one in the project: python3 -m venv .venv && .venv/bin/pip install falcokit",
        look=_environment,
    ),
    Check(
        name="packages",
        what="the packages that falcokit needs",
        fix=f"{_INSTALL} --upgrade falcokit",
        look=_packages,
    ),
    Check(
        name="libpython",
        what="the shared libpython and the headers, to embed Python",
        fix="apt install python3-dev, or uv python install 3.13",
        look=_libpython,
    ),
    Check(
        name="compiler",
        what="a C compiler that makes a shared library, where falcokit is not a wheel",
        fix="apt install gcc libc6-dev, or dnf install gcc",
        look=_compiler,
    ),
    Check(
        name="cache",
        what="the cache of compiled parts: yours alone, writable, with room",
        fix="set XDG_CACHE_HOME to a folder that only you can write to",
        look=_cache,
    ),
    Check(
        name="temporary",
        what="the folder for temporary files",
        fix="set TMPDIR to a folder that you can write to",
        look=_temporary,
    ),
    Check(
        name="noexec",
        what="the folders that libraries are loaded from, not mounted noexec",
        fix="set XDG_CACHE_HOME, or move the project, to a file system without noexec",
        look=_noexec,
    ),
    Check(
        name="memfd",
        what="executable memory files, for packaged plugins",
        fix="falcokit package --layout dir, or FALCOKIT_CACHE: see docs/packaging.md",
        look=_memfd,
    ),
    Check(
        name="inotify",
        what="notice of saved files, for dev --watch",
        fix="dev --watch looks five times a second instead; sudo sysctl fs.inotify",
        look=_inotify,
    ),
    Check(
        name="pytest",
        what="pytest, for falcokit test",
        fix=f"{_INSTALL} pytest",
        look=_pytest,
    ),
)
