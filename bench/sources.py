# SPDX-License-Identifier: Apache-2.0
"""Source events a second through libsinsp and sysdig, beside the C plugin's in the same run."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

from bench.host import Host, build_plugin, plugin
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["sources"]

_ENDLESS = 1_000_000_000_000
_SYSDIG_EVENTS = 40_000_000


def _sinsp(host: Host, library: Path, init: dict, params: str) -> float:
    report = host.capture(*plugin(library, init), "--open", params, "--secs", "2")
    return report["by_type"]["322:pluginevent"]["per_s"]


def _sysdig(host: Host, library: Path, name: str, init: dict, params: str) -> float:
    """Take the time of the whole program, its start and the plugin's included; nothing is shown."""
    config = json.dumps(init)
    chosen = f"{name}:{params}" if params else name
    command = [str(host.sysdig), "-q", "-H", f"{library}:{config}", "-I", chosen]
    begin = time.perf_counter()
    subprocess.run(
        [*command, "-n", str(_SYSDIG_EVENTS)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=True,
    )  # fmt: skip
    return _SYSDIG_EVENTS / (time.perf_counter() - begin)


def sources(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure a generator of bytes of 32 B and 1 KiB, a queue, and both beside a busy thread."""
    library = build_plugin("source", folder).library
    rows = []
    for size in (32, 1024):
        forms: dict[str, tuple[dict, str]] = {
            "generator": ({"size": size}, ">= 0.9"),
            "generator, CPU-bound thread beside": ({"size": size, "burn": True}, ""),
            "queue filled by a thread": ({"size": size, "queue": True}, ""),
        }
        baseline: list[float] = []
        ours: dict[str, list[float]] = {form: [] for form in forms}
        for _ in range(runs):
            params = f"{_ENDLESS},128,{size}"
            baseline.append(_sinsp(host, host.baseline, {"async": 0}, params))
            for form, (config, _) in forms.items():
                ours[form].append(_sinsp(host, library, config, ""))
        rows += [
            Row(f"source, {size} B, {form}", "events/s", ours[form], baseline, goal)
            for form, (_, goal) in forms.items()
        ]
        shown: tuple[list[float], list[float]] = ([], [])
        for _ in range(runs):
            shown[0].append(_sysdig(host, library, "source", {"size": size}, ""))
            params = f"{_ENDLESS},128,{size}"
            shown[1].append(_sysdig(host, host.baseline, "baseline", {"async": 0}, params))
        rows.append(Row(f"source in sysdig, {size} B", "events/s", *shown, goal=">= 0.9"))
    return rows
