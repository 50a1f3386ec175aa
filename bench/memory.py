# SPDX-License-Identifier: Apache-2.0
"""Resident memory of the host over 50 M events that are given, parsed and extracted in Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.host import Host, build_plugin, plugin
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["memory"]

_EVENTS = 50_000_000


def memory(host: Host, folder: Path, runs: int) -> list[Row]:
    """Read the process after 1, 10 and 50 M events of one capture; the goal is that it is flat."""
    library = build_plugin("memory", folder).library
    held: dict[int, list[float]] = {}
    rates: list[float] = []
    for _ in range(runs):
        fields = ["--fields", "m.declared,m.method"]
        report = host.capture(*plugin(library), *fields, "--open", "", "--secs", "270")
        found = report["fields"]
        if {f["present"] for f in found.values()} != {_EVENTS} or report["end"] != "eof":
            raise SystemExit(f"not all of {_EVENTS} events: {report['end']}, {found}")
        rates.append(report["events"]["per_s"])
        for line in report["log"]:
            if step := re.search(r"step (\d+) (\d+)", line):
                held.setdefault(int(step[1]), []).append(int(step[2]) / 1e6)
    return [
        *(
            Row(f"memory of the host after {step // 1_000_000} M events", "MB", values)
            for step, values in sorted(held.items())
        ),
        Row(
            "  their rate: source, parse_event, a declared field and a method's", "events/s", rates
        ),
    ]
