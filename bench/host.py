# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks run: plugins built from bench/plugins, and plughost, the real framework."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from falcokit.build.build_project import BuildResult, build
from falcokit.project.settings import load_project

__all__ = ["Host", "build_plugin", "plugin"]

_HERE = Path(__file__).parent
_PROJECT = """\
[project]
name = "{name}"
version = "0.1.0"
[tool.falcokit]
plugin = "{name}:{cls}"
"""


def build_plugin(name: str, folder: Path) -> BuildResult:
    """Build bench/plugins/NAME.py as a project of its own."""
    root = folder / name
    (root / "src").mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text(_PROJECT.format(name=name, cls=name.capitalize()))
    shutil.copy(_HERE / "plugins" / f"{name}.py", root / "src")
    return build(load_project(root))


class Host:
    """plughost and the C baseline, as tests/hosts/get-host.sh leaves them."""

    def __init__(self) -> None:
        default = Path.home() / ".cache" / "falcokit-host"
        folder = Path(os.environ.get("FALCOKIT_HOST_DIR") or default)
        self.plughost = folder / "plughost"
        self.sysdig = folder / "sysdig"
        self.baseline = folder / "libbaseline.so"
        self.baseline_async = folder / "libbaseline_async.so"
        if not self.plughost.exists():
            raise SystemExit(f"there is no real host in {folder}: run tests/hosts/get-host.sh")

    def run(self, mode: str, *options: str) -> dict[str, Any]:
        """Run plughost and return its report."""
        done = subprocess.run(
            [str(self.plughost), mode, *options, "--log"],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        report: dict[str, Any] = json.loads(done.stdout)
        if "error" in report:
            raise SystemExit(f"plughost: {report['error']}")
        return report

    def capture(self, *options: str) -> dict[str, Any]:
        """Run one capture and return its report, with the log."""
        report = self.run("sinsp", *options)
        return {**report["cycles"][0], "log": report.get("log", {})}


def plugin(library: Path, init: dict[str, Any] | None = None) -> list[str]:
    """Return the options that load a plugin."""
    return ["--plugin", str(library), "--init", json.dumps(init or {})]
