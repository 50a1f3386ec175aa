# SPDX-License-Identifier: Apache-2.0
"""Tests an artifact: unpacked into an empty folder and loaded by a process without any Python.

The runner opens it as Falco does: metadata first, then init, open, events, close and destroy, all
of it twice, with the library unloaded and loaded again between.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falcokit.errors import PackageError
from falcokit.package.safe_tarfile import tarfile
from falcokit.runner.program import build_runner
from falcokit.runner.reports import event_total, plugin_failure
from falcokit.runner.stdin_options import STDIN_OPTIONS, stdin_options

if TYPE_CHECKING:
    from collections.abc import Collection

    from falcokit.build.metadata import PluginMetadata
    from falcokit.runner.reports import Report

__all__ = ["Verification", "verify"]

_CYCLES: Final = 2
_EVENTS: Final = 20
_SECONDS: Final = 0.15
"""How long each opening waits for events: a plugin may produce none that early."""
_LIMIT: Final = 120.0
_MISSED: Final = re.compile(r"No module named '([\w.]+)'")
_CLOSING: Final = "sent with NULL handler"
"""A host's answer to an event that is sent while it closes; not the plugin's fault."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was observed while the artifact ran."""

    init_ms: float
    """Duration of the first init, in which Python starts."""
    rss_kb: int
    """Resident memory of the whole process at the end."""
    events: int
    complaints: tuple[str, ...]
    """The distinct errors that the plugin logged."""


def verify(
    artifact: Path,
    metadata: PluginMetadata,
    *,
    init_config: str | None = None,
    open_params: str | None = None,
    left_out: Collection[str] = (),
) -> Verification:
    """Load the artifact as a host would, twice.

    `left_out` are modules of the standard library that it does not hold: should one be missed, the
    error says how to have it.

    Raises:
        PackageError: it does not load, or a hook fails; with what it said.

    """
    with tempfile.TemporaryDirectory(prefix="falcokit-verify-") as folder:
        with tarfile.open(artifact) as tar:
            tar.extractall(folder, filter="data")
        library = Path(folder) / f"lib{metadata.name}.so"
        reports, status, said = _run(library, init_config, open_params)
    _check(reports, status, said, library, metadata, left_out=left_out)
    return Verification(
        init_ms=next(r["init_ms"] for r in reports if r["report"] == "initialized"),
        rss_kb=max(r.get("rss_kb", 0) for r in reports if r["report"] == "stats"),
        events=sum(event_total(r) for r in reports if r["report"] == "stats"),
        complaints=tuple(
            dict.fromkeys(
                r["message"]
                for r in reports
                if r["report"] == "log"
                and r["severity"] in {"error", "critical", "fatal"}
                and _CLOSING not in r["message"]
            )
        ),
    )


def _run(
    library: Path, init_config: str | None, open_params: str | None
) -> tuple[list[Report], int, str]:
    command = [str(build_runner()), "--plugin", str(library), "--limit", str(_EVENTS)]
    command += ["--duration", str(_SECONDS), "--cycles", str(_CYCLES), "--reload", str(_CYCLES)]
    hidden = stdin_options({"--init": init_config, "--open": open_params})
    command += [STDIN_OPTIONS] if hidden else []
    try:
        done = subprocess.run(
            command,
            cwd=library.parent,
            # Nothing that leads to a Python of this machine; what it unpacks is gone afterwards.
            env={"FALCOKIT_CACHE": str(library.parent / ".cache")},
            input=hidden,
            capture_output=True,
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as e:
        raise PackageError(
            f"the artifact was loaded and did not end within {_LIMIT:g} s",
            hint="--no-verify skips this check",
        ) from e
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return reports, done.returncode, done.stderr.decode("utf-8", "replace").strip()


def _check(
    reports: list[Report],
    status: int,
    said: str,
    library: Path,
    metadata: PluginMetadata,
    *,
    left_out: Collection[str],
) -> None:
    error = next((r for r in reports if r["report"] == "error"), None)
    failure = plugin_failure(error, status, library=library.name)
    if failure is not None:
        hint = "--init-config gives it a config to start with; --no-verify skips this check"
        missed = _MISSED.search(failure.message)
        if missed and missed[1] in left_out:
            hint = f'[tool.falcokit.package] include = ["{missed[1]}"] ships that module'
        last = f" ({said.splitlines()[-1]})" if said and error is None else ""
        raise PackageError(
            f"the artifact does not work without this machine's Python: {failure.message}{last}",
            hint=hint,
        ) from failure
    for kind, wanted in (("loaded", _CYCLES), ("initialized", _CYCLES), ("closed", _CYCLES**2)):
        seen = sum(r["report"] == kind for r in reports)
        if seen != wanted:
            raise PackageError(f"the artifact was {kind} {seen} times instead of {wanted}")
    for report in reports:
        if report["report"] == "loaded" and any(
            report[key] != getattr(metadata, key) for key in ("name", "version") if key in report
        ):
            raise PackageError("the artifact is not the plugin that was built")
