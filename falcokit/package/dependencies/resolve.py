# SPDX-License-Identifier: Apache-2.0
"""Runs pip or uv: which versions fit together, and installing wheels into a folder.

pip runs in the shipped Python (`pip --python`, if that is not the one that runs falcokit), which
then evaluates the tags of wheels and the markers of requirements. Where packages come from is the
user's configuration; nothing here names an index. The output of a failed run becomes one sentence
and a hint.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from packaging.utils import canonicalize_name

from falcokit.errors import PackageError, ToolMissingError
from falcokit.package.dependencies.lock import Locked, parse_entries
from falcokit.package.python.python_runtime import child_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from falcokit.package.python.python_runtime import PythonRuntime

__all__ = ["Installer", "explain", "find_installer", "install", "resolve", "without_credentials"]


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


_NETWORK = re.compile(
    r"NewConnectionError|Failed to establish a new connection|Connection refused|Network is"
    r" unreachable|name resolution|Name or service not known|ConnectTimeout|Read timed out|SSLError"
    r"|ProxyError|RemoteDisconnected|Connection broken|Max retries exceeded"
    r"|error sending request|Failed to fetch|dns error|HTTP error \d+|\b40[137] Client Error"
    r"|not a trusted or secure host",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"Could not find a version that satisfies the requirement (?P<wanted>.+?)"
    r"(?: \(from (?!versions)[^)]*\))? \(from versions: (?P<versions>[^)]*)\)"
)
_NO_WHEEL_UV = re.compile(r"Because (\S+) (?:has no usable wheels|has no wheels|was not found)")
_UNSATISFIABLE_UV = re.compile(r"Because (?P<why>.+?), we can conclude", re.DOTALL)
_CONFLICT = re.compile(r"conflict is caused by:\n(?P<lines>(?:    .+\n?)+)")
_MISMATCH = re.compile(
    r"DO NOT MATCH THE HASHES.*?\n\s+(?P<name>[A-Za-z0-9._-]+)(?:==\S+)?", re.DOTALL
)
_MISMATCH_UV = re.compile(r"[Hh]ash mismatch for `?(?P<name>[A-Za-z0-9._-]+)")
_DAMAGED = re.compile(
    r"Wheel '?(?P<name>[A-Za-z0-9._-]+?)'?(?: located at \S+)? is invalid"
    r"|(?P<file>[A-Za-z0-9._+-]+\.whl)\S*?'? (?:is not a zip file|has an invalid wheel)"
    r"|(?P<any>BadZipFile|not a zip file|has an invalid wheel|invalid Zip archive)"
)
_CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
_RENEW = "delete the lock in locks/ to resolve the dependencies again"


def without_credentials(text: str) -> str:
    """Remove user names and passwords from the addresses in `text`."""
    return _CREDENTIALS.sub("", text)


def explain(
    output: str, tool: str, runtime: PythonRuntime, needs: Sequence[str] = ()
) -> PackageError:
    """Turn what `tool` printed into an error; `needs` are falcokit's own requirements."""
    output = without_credentials(output)
    if mismatch := _MISMATCH.search(output) or _MISMATCH_UV.search(output):
        return PackageError(
            f"the wheel of {mismatch['name']} does not have the hash that the lock names",
            hint=f"was it replaced in the index? {_RENEW}",
        )
    if conflict := _CONFLICT.search(output):
        return _conflict(conflict["lines"], needs)
    if damaged := _DAMAGED.search(output):
        name = damaged["name"] or damaged["file"] or "of a dependency"
        return PackageError(
            f"the wheel {name} is damaged",
            hint="fetch it again: clear pip's cache (pip cache purge), or the folder of wheels",
        )
    return _not_found(output, tool, runtime)


def _not_found(output: str, tool: str, runtime: PythonRuntime) -> PackageError:
    if _NETWORK.search(output):
        return PackageError(
            "the dependencies cannot be fetched: the package index does not answer",
            hint="check the network and the index that pip is configured for (pip config list), or"
            " use wheels from a folder: PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER",
        )
    if none := _NONE.search(output):
        return _no_wheel(none["wanted"].strip(), none["versions"], runtime)
    if none := _NO_WHEEL_UV.search(output):
        return _no_wheel(none[1], "none", runtime)
    if unsatisfiable := _UNSATISFIABLE_UV.search(output):
        why = " ".join(unsatisfiable["why"].split())
        return PackageError(
            f"the dependencies cannot be satisfied: {why}",
            hint="change a version in project.dependencies of pyproject.toml",
        )
    return PackageError(
        f"{tool} could not get the dependencies: {_last_error(output)}",
        hint=f"if the lock is old, {_RENEW}",
    )


def _conflict(lines: str, needs: Sequence[str]) -> PackageError:
    own = {_plain(need) for need in needs}
    reasons = []
    for line in map(str.strip, lines.splitlines()):
        asked = line.removeprefix("The user requested ")
        who = "falcokit" if _plain(asked) in own else "the project"
        reasons.append(line.replace(" depends on ", " needs ") if asked == line else
                       f"{who} needs {asked}")  # fmt: skip
    return PackageError(
        f"the dependencies conflict: {', '.join(dict.fromkeys(reasons))}",
        hint="widen a version in project.dependencies of pyproject.toml",
    )


def _plain(requirement: str) -> str:
    return requirement.replace(" ", "").lower()


def _no_wheel(wanted: str, versions: str, runtime: PythonRuntime) -> PackageError:
    there = [v for v in versions.replace(" ", "").split(",") if v and v != "none"]
    name = (re.match(r"[A-Za-z0-9._-]+", wanted) or [wanted])[0]
    where = f"CPython {runtime.version.rpartition('.')[0]} on linux {runtime.machine}"
    if there:
        return PackageError(
            f"there is no wheel of {wanted} for {where}: the newest is {there[-1]}",
            hint="change its version in project.dependencies of pyproject.toml",
        )
    return PackageError(
        f"there is no wheel of {wanted} for {where}",
        hint=f"if {name} is the right name, build its wheel (pip wheel --no-deps -w wheels"
        f" {name}) and package with PIP_FIND_LINKS=wheels, or use another Python with --runtime",
    )


def _last_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    last = (errors or lines or ["it printed nothing"])[-1]
    return re.sub(r"^error:\s*", "", last, flags=re.IGNORECASE)[:300]
