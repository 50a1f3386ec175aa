# SPDX-License-Identifier: Apache-2.0
"""Runs pip or uv: which versions fit together, and installing wheels into a folder.

pip runs in the shipped Python (`pip --python`, if that is not the one that runs falcokit), which
then evaluates the tags of wheels and the markers of requirements. Where packages come from is the
user's configuration; nothing here names an index.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from packaging.utils import canonicalize_name

from falcokit.errors import PackageError, ToolMissingError
from falcokit.package.dependencies.lock import Locked, parse_entries
from falcokit.package.dependencies.resolve_errors import explain
from falcokit.package.python.python_runtime import child_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from falcokit.package.python.python_runtime import PythonRuntime

__all__ = ["Installer", "find_installer", "install", "resolve"]


@dataclass(frozen=True, kw_only=True)
class Installer:
    """pip or uv, and the command that runs it."""

    kind: Literal["pip", "uv"]
    command: tuple[str, ...]


def find_installer() -> Installer:
    """Return the pip of this Python, else uv.

    Raises:
        ToolMissingError: there is neither.

    """
    if importlib.util.find_spec("pip") is not None:
        # -P: do not import a folder `pip` where falcokit was started
        return Installer(kind="pip", command=(sys.executable, "-P", "-m", "pip"))
    uv = shutil.which("uv")
    if uv is None:
        raise ToolMissingError(
            "the plugin's dependencies cannot be resolved: there is neither pip nor uv",
            hint=f"install pip into this environment: {sys.executable} -m ensurepip",
        )
    return Installer(kind="uv", command=(uv,))


def resolve(
    installer: Installer,
    requirements: Sequence[str],
    runtime: PythonRuntime,
    scratch: Path,
    needs: Sequence[str],
) -> tuple[Locked, ...]:
    """Return the distributions that satisfy `requirements` (`needs` of them are falcokit's own).

    Raises:
        PackageError: no set of wheels satisfies them, or the index cannot be reached.

    """
    wanted = scratch / "requirements.in"
    wanted.write_text("".join(f"{line}\n" for line in requirements), encoding="utf-8")
    if installer.kind == "uv":
        arguments = ["pip", "compile", str(wanted), "--python", str(runtime.python)]
        arguments += ["--only-binary", ":all:", "--generate-hashes", "--no-header"]
        arguments += ["--no-annotate", "--quiet"]
        return parse_entries(_run(installer, arguments, runtime, needs))
    report = scratch / "report.json"
    arguments = [*_pip(runtime, "install"), "--dry-run", "--ignore-installed"]
    arguments += ["--report", str(report), "-r", str(wanted)]
    _run(installer, arguments, runtime, needs)
    return tuple(_locked(item) for item in json.loads(report.read_bytes())["install"])


def install(
    installer: Installer,
    locked: Sequence[Locked],
    runtime: PythonRuntime,
    scratch: Path,
    folder: Path,
) -> None:
    """Install the distributions of a lock into `folder`, only from wheels with these hashes.

    Raises:
        PackageError: a wheel is not there, has another hash, or is damaged.

    """
    lock = scratch / "lock.txt"
    lines = [
        f"{d.name}=={d.version} " + " ".join(f"--hash=sha256:{h}" for h in d.hashes) for d in locked
    ]
    lock.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if installer.kind == "uv":
        arguments = ["pip", "install", "--python", str(runtime.python), "--only-binary", ":all:"]
        arguments += ["--link-mode", "copy", "--quiet"]
    else:
        arguments = [*_pip(runtime, "install"), "--no-compile", "--no-warn-conflicts"]
    arguments += ["--target", str(folder), "--no-deps", "--require-hashes", "-r", str(lock)]
    _run(installer, arguments, runtime, ())


def _pip(runtime: PythonRuntime, command: str) -> list[str]:
    options = ["--disable-pip-version-check", "--no-input", "--no-color"]
    running = getattr(sys, "_base_executable", None) or sys.executable
    # With --python, pip starts a second pip, which doubles its time.
    is_other = os.path.realpath(runtime.python) != os.path.realpath(running)
    return [
        *(("--python", str(runtime.python)) if is_other else ()),
        *(command, *options),
        *("--progress-bar", "off", "--only-binary", ":all:"),
    ]


def _run(
    installer: Installer,
    arguments: Sequence[str],
    runtime: PythonRuntime,
    needs: Sequence[str],
) -> str:
    # Run in the folder that falcokit was started in: PIP_FIND_LINKS may be relative to it.
    # A user's settings for environments do not suit a folder of our own.
    settings = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    try:
        done = subprocess.run(
            [*installer.command, *arguments],
            env={**child_environment(), **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as e:
        raise ToolMissingError(f"{installer.kind} cannot be run: {e.strerror}") from e
    if done.returncode != 0:
        raise explain(f"{done.stdout}\n{done.stderr}", installer.kind, runtime, needs)
    return done.stdout


def _locked(item: dict[str, object]) -> Locked:
    """Read one distribution from pip's report."""
    match item:
        case {
            "metadata": {"name": str(name), "version": str(version)},
            "is_direct": False,
            "download_info": {"archive_info": {"hashes": {"sha256": str(digest)}}},
        }:
            return Locked(name=canonicalize_name(name), version=version, hashes=(digest,))
        case {"metadata": {"name": str(name)}, "is_direct": True}:
            raise PackageError(
                f"a dependency asks for {name} by address, which a lock cannot hold",
                hint=f"depend on {name} by name and version, and put its wheel into an index",
            )
    raise PackageError(
        "pip reported no version and hash for a dependency",
        hint=f"is pip older than 22.3? {sys.executable} -m pip install --upgrade pip",
    )
