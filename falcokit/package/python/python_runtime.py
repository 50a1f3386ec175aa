# SPDX-License-Identifier: Apache-2.0
"""Finds the Python that an artifact carries; the interpreter itself reports where its parts are.

The running interpreter is one choice among others, so all of them are asked in the same way: by a
child process that answers in JSON. What the answer says about folders is not trusted, since a
prefix that was moved still names the place where it was built.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falcokit.errors import ConfigError, PackageError, ToolMissingError
from falcokit.package.link.elf import ElfFacts, read_elf
from falcokit.package.python.python_archive import archive_label, is_archive, unpack_archive
from falcokit.toolchain.cache import key_of
from falcokit.toolchain.compiler import missing_part
from falcokit.toolchain.prebuilt import find_prebuilt_glue

__all__ = ["PythonRuntime", "child_environment", "find_runtime"]

_OLDEST = (3, 11)
_ANSWER_WITHIN_S = 30.0
_CHOICES = (
    "give the path of a CPython 3.11 or newer, the prefix that it is installed in, or a"
    " python-build-standalone install_only archive"
)
# `-I`: with PYTHONHOME set, the answer would be about another Python.
_QUESTION = """
import _imp, json, os, sys, sysconfig
get = sysconfig.get_config_var
json.dump({
    "implementation": sys.implementation.name,
    "version": list(sys.version_info[:3]),
    "release": sys.version,
    "cache_tag": sys.implementation.cache_tag or "",
    "executable": getattr(sys, "_base_executable", None) or sys.executable or "",
    "base_prefix": sys.base_prefix,
    "shared": bool(get("Py_ENABLE_SHARED")),
    "free_threaded": bool(get("Py_GIL_DISABLED")),
    "debug": hasattr(sys, "gettotalrefcount"),
    "library": get("INSTSONAME") or "",
    "folders": [str(get("LIBDIR") or ""), "/usr/lib/" + str(get("MULTIARCH") or "")],
    "include": sysconfig.get_path("include"),
    "stdlib": os.path.dirname(os.__file__),
    "frozen": _imp._frozen_module_names(),
    "suffixes": _imp.extension_suffixes(),
}, sys.stdout)
"""


@dataclass(frozen=True, kw_only=True)
class PythonRuntime:
    """A CPython that can be shipped, and the parts of it that a plugin needs."""

    python: Path
    """The interpreter to run; never that of a virtual environment."""
    version: str
    tag: str
    """As in the names of wheels: "cp313"."""
    machine: str
    libpython: Path
    include: Path
    stdlib: Path
    dynload: Path
    """lib-dynload; it may be absent: some builds link these modules into libpython."""
    frozen: frozenset[str]
    """Modules of the standard library that are compiled into libpython as bytecode."""
    suffixes: frozenset[str]
    """Suffix of its extension modules: ".cpython-313-x86_64-linux-gnu.so", ".so"..."""
    identity: str
    """16 hex digits; the same on every machine for the same build."""
    label: str
    """A readable name, without a path of this machine."""


def find_runtime(given: str | None) -> PythonRuntime:
    """Return the Python to ship: `given` by --runtime, else the one that runs falcokit.

    Raises:
        ConfigError: `given` is nothing that can be shipped.
        ToolMissingError: a part of it, its libpython or its headers, is not installed.

    """
    running = Path(getattr(sys, "_base_executable", None) or sys.executable)
    if given is None:
        return _examine(running, shown="the Python that runs falcokit", origin="this interpreter")
    path = Path(given).expanduser()
    if path.is_file() and is_archive(path):
        prefix = unpack_archive(path)
        return _examine(prefix / "bin" / "python3", shown=path.name, origin=archive_label(path))
    python = _interpreter(given, path)
    same = os.path.realpath(python) == os.path.realpath(running)
    return _examine(
        python, shown=f"--runtime {given}", origin="this interpreter" if same else "--runtime"
    )


def child_environment() -> dict[str, str]:
    """Return the environment for a Python that must not be affected by PYTHON* variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _interpreter(given: str, path: Path) -> Path:
    if path.is_dir():
        for python in (path / "bin" / "python3", path / "bin" / "python"):
            if python.exists():
                return python
        raise ConfigError(f"--runtime {given}: there is no bin/python3 in it", hint=_CHOICES)
    if path.exists():
        return path
    on_path = shutil.which(given) if os.sep not in given else None
    if on_path is None:
        raise ConfigError(f"--runtime {given}: no such file, folder or command", hint=_CHOICES)
    return Path(on_path)


def _examine(python: Path, *, shown: str, origin: str) -> PythonRuntime:
    answer = _ask(python, shown)
    version = ".".join(map(str, answer["version"]))
    short = ".".join(map(str, answer["version"][:2]))
    _check_kind(answer, shown, version)
    prefix = Path(answer["base_prefix"])
    include = Path(answer["include"])
    libpython = _libpython(answer, prefix)
    name = answer["library"] or f"libpython{short}"
    if libpython is None:
        raise _missing(name, shown, short, name)
    if not (include / "Python.h").is_file() and find_prebuilt_glue(libpython) is None:
        raise _missing("Python.h", shown, short, name)
    stdlib = Path(answer["stdlib"])
    executable = Path(answer["executable"])
    return PythonRuntime(
        python=executable if executable.is_file() else python,
        version=version,
        tag=f"cp{answer['version'][0]}{answer['version'][1]}",
        machine=_machine(libpython, shown),
        libpython=libpython,
        include=include,
        stdlib=stdlib,
        # Not from sys.path: without the folder Python falls back to the place where it was built.
        dynload=stdlib / "lib-dynload",
        frozen=frozenset(answer["frozen"]),
        suffixes=frozenset(answer["suffixes"]),
        identity=key_of([answer["release"], _digest(libpython)]),
        label=f"CPython {version} ({origin})",
    )


def _missing(part: str, shown: str, version: str, libpython: str) -> ToolMissingError:
    error = missing_part(part, version, libpython)
    return ToolMissingError(f"{shown}: {error.message}", hint=error.hint)


def _ask(python: Path, shown: str) -> dict[str, Any]:
    if not os.access(python, os.X_OK):
        raise ConfigError(f"{shown} cannot be executed", hint=_CHOICES)
    _refuse_other_machine(python, shown)
    try:
        done = subprocess.run(
            [str(python), "-I", "-B", "-"],
            input=_QUESTION.encode(),
            capture_output=True,
            timeout=_ANSWER_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise ConfigError(
            f"{shown} did not answer within {_ANSWER_WITHIN_S:g} s", hint=_CHOICES
        ) from e
    except OSError as e:
        raise ConfigError(f"{shown} cannot be run: {e.strerror}", hint=_not_run_hint(e)) from e
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or answer.keys() < {"implementation", "version", "library"}:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [""]
        line = said[-1] if said[0].startswith("Traceback") else said[0]
        why = f": {line[:200]}" if line else f" (status {done.returncode})"
        raise ConfigError(f"{shown} does not answer as a Python 3 does{why}", hint=_CHOICES)
    return answer


def _not_run_hint(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):  # the file exists, but its interpreter does not
        return "it was built for another C library, such as musl: use a build for glibc"
    return _CHOICES


def _check_kind(answer: dict[str, Any], shown: str, version: str) -> None:
    if answer["implementation"] != "cpython":
        raise ConfigError(
            f"{shown} is {answer['implementation']}, but falcokit embeds CPython", hint=_CHOICES
        )
    if tuple(answer["version"]) < _OLDEST:
        raise ConfigError(f"{shown} is Python {version}, older than 3.11", hint=_CHOICES)
    if answer["free_threaded"] or answer["debug"]:
        kind = "free-threaded" if answer["free_threaded"] else "debug"
        raise ConfigError(
            f"{shown}: this Python {version} is a {kind} build, which falcokit does not embed",
            hint="use an ordinary build of CPython",
        )
    if not answer["shared"]:
        raise ToolMissingError(
            f"{shown}: this Python {version} has no shared libpython to ship",
            hint=f"use a Python that has it: apt install python3-dev, uv python install {version},"
            f" PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {version}, or give a"
            " python-build-standalone archive with --runtime",
        )


def _libpython(answer: dict[str, Any], prefix: Path) -> Path | None:
    folders = [prefix / "lib", *map(Path, filter(None, answer["folders"])), Path("/usr/lib64")]
    if not answer["library"]:
        return None
    found = (folder / answer["library"] for folder in folders)
    return next((path.resolve() for path in found if path.is_file()), None)


def _refuse_other_machine(file: Path, shown: str) -> ElfFacts | None:
    """Return what an ELF file is, None if it is none; raise ConfigError for another machine."""
    try:
        facts = read_elf(file)
    except PackageError as e:
        raise ConfigError(f"{shown}: {e.message}", hint=_CHOICES) from e
    here = os.uname().machine
    if facts is not None and facts.machine != here:
        raise ConfigError(
            f"{shown} is a Python for {facts.machine}, but this machine is {here}",
            hint="package on a machine of that architecture, or use a Python for this one",
        )
    return facts


def _machine(libpython: Path, shown: str) -> str:
    facts = _refuse_other_machine(libpython, shown)
    if facts is None or facts.machine not in {"x86_64", "aarch64"}:
        raise ConfigError(
            f"{shown}: {libpython.name} is not a shared library for x86_64 or aarch64",
            hint=_CHOICES,
        )
    return facts.machine


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
