# SPDX-License-Identifier: Apache-2.0
"""Turns the output of a failed pip or uv into one sentence and a hint.

The order matters: an unreachable network also ends in "no matching distribution".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from falcokit.errors import PackageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.package.python.python_runtime import PythonRuntime

__all__ = ["explain", "without_credentials"]

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
