# SPDX-License-Identifier: Apache-2.0
"""What starting costs: `falcokit --help`, plugin_init, the memory of the embedded Python, `dev`."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from bench.host import Host, plugin
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["dev_loop", "help_time", "init"]

_TRIVIAL = """\
from falcokit import AsyncEvents, Plugin, async_event


class Trivial(Plugin, AsyncEvents):
    name, version, description, contact = "trivial", "0.1.0", "{description}", "me@example.com"

    @async_event("beat", every=0.01)
    def beat(self):
        return b"{data}"
"""


def help_time(runs: int) -> list[Row]:
    """Time `falcokit --help` from the shell's point of view."""
    times = []
    for _ in range(runs + 1):
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "falcokit", "--help"], stdout=subprocess.DEVNULL, check=True
        )
        times.append((time.perf_counter() - begin) * 1e3)
    return [Row("falcokit --help", "ms", times[1:], goal="<= 150")]


def init(host: Host, folder: Path, runs: int) -> list[Row]:
    """Time plugin_init of a trivial plugin, and what it adds to the host's memory."""
    (folder / "plugin").mkdir(exist_ok=True)
    library = _trivial(folder)
    times, memory = [], []
    for _ in range(runs):
        options = ["--pump", "1000", "--secs", "0.3"]
        with_c = host.run("sinsp", *plugin(host.baseline_async, {"async": 10}), *options)
        report = host.run("sinsp", *plugin(library), *options)
        times.append(report["plugins"][0]["init_ms"])
        memory.append((_resident(report) - _resident(with_c)) / 1024)
    return [
        Row("plugin_init of a trivial plugin", "ms", times, goal="<= 50"),
        Row("memory that Python adds to the host", "MB", memory, goal="<= 15"),
    ]


def _resident(report: dict) -> float:
    return float(report["after_unload"]["rss_kb"])


def _trivial(folder: Path) -> Path:
    from falcokit.build.build_project import build  # noqa: PLC0415
    from falcokit.project.settings import load_project  # noqa: PLC0415

    return build(load_project(_project(folder))).library


def _project(folder: Path) -> Path:
    root = folder / "trivial"
    (root / "src").mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").write_text(
        '[project]\nname = "trivial"\n[tool.falcokit]\nplugin = "trivial:Trivial"\n'
    )
    (root / "src" / "trivial.py").write_text(_TRIVIAL.format(description="Beats.", data="0"))
    return root


def dev_loop(folder: Path, runs: int) -> list[Row]:
    """Time from a save to the first event of the new version, as `dev --json` reports it."""
    root = _project(folder)
    source = root / "src" / "trivial.py"
    environment = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "falcokit", "dev", "--watch", "--json", "-C", str(root)]
    code, metadata = [], []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        lines = map(json.loads, child.stdout)
        next(line for line in lines if line["report"] == "stats" and line["events"] > 3)
        for number in range(1, 4 * runs + 1):
            changed = number % 2 == 0
            description = f"Beats {number}." if changed else f"Beats {number - 1}."
            source.write_text(_TRIVIAL.format(description=description, data=number))
            begin = time.perf_counter()
            while True:
                line = next(lines)
                if str(number) == _last_data(line):
                    break
            (metadata if changed else code).append((time.perf_counter() - begin) * 1e3)
        child.terminate()
        for _ in lines:
            pass
    return [
        Row("save to first event, code", "ms", [statistics.median(code), *code], goal="<= 300"),
        Row("save to first event, metadata", "ms", metadata, goal="<= 1500"),
    ]


def _last_data(line: dict) -> str | None:
    beat = line.get("async", {}).get("beat", {})
    return beat.get("last_data")
