# SPDX-License-Identifier: Apache-2.0
"""From emit to delivery: percentiles, even producers, beside a busy source and an idle one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.host import Host, build_plugin, plugin
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["latency"]


def latency(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure both producers at 1 k/s and 50 k/s; the stamp is taken before the call of emit."""
    flood = build_plugin("flood", folder).library
    busy = [*plugin(host.baseline, {"async": 0}), "--open", "1000000000000,128"]
    rows = []
    for where, source in (("busy source", busy), ("pump 0", ["--pump", "0"])):
        for rate in (1_000, 50_000):
            naive = {"async": 1_000_000_000, "async_rate": rate, "stamp": 1}
            found: dict[str, tuple[list[float], list[float]]] = {"p50": ([], []), "p99": ([], [])}
            for _ in range(runs):
                for i, options in enumerate(
                    (plugin(flood, {"rate": rate}), plugin(host.baseline_async, naive))
                ):
                    report = host.capture(*source, *options, "--secs", "2", "--latency-data")
                    for percentile, values in found.items():
                        values[i].append(report["async_stamp_latency_us"][percentile])
            rows += [
                Row(f"latency {p}, {rate // 1000} k/s, {where}", "us", *values, goal="<= 0.5")
                for p, values in found.items()
            ]
    return rows
