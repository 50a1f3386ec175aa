# SPDX-License-Identifier: Apache-2.0
"""parse_event of every event of a source in Python, beside a C plugin that counts the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.host import Host, build_plugin, plugin
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["parsing"]


def parsing(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure the events a second that a full-speed source of C keeps."""
    parser = build_plugin("parser", folder).library
    source = [*plugin(host.baseline, {"async": 0}), "--open", "1000000000000,128", "--secs", "2"]
    in_c = plugin(host.baseline_async, {"async": 0})
    rates: dict[bool, list[float]] = {False: [], True: []}
    baseline: list[float] = []
    for _ in range(runs):
        baseline.append(host.capture(*source, *in_c)["events"]["per_s"])
        for burn, values in rates.items():
            report = host.capture(*source, *plugin(parser, {"burn": burn}))
            values.append(report["events"]["per_s"])
    return [
        Row("parse_event of 322 events", "events/s", rates[False], baseline),
        Row("the same, a CPU-bound Python thread beside", "events/s", rates[True], baseline),
    ]
