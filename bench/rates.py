# SPDX-License-Identifier: Apache-2.0
"""Async events a second: into a null handler, end to end, and what a busy source keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.host import Host, build_plugin, plugin
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["busy_source", "emission", "end_to_end", "gil"]

_NAIVE = {"async": 1_000_000_000, "async_delay_us": 0, "stamp": 1}
_WINDOW = {**_NAIVE, "window": 2000}  # the naive producer must hold back to lose nothing


def emission(host: Host, folder: Path, runs: int) -> list[Row]:
    """Call the handler of a host that only counts, from one thread."""
    raw = build_plugin("raw", folder).library
    rates: dict[str, list[float]] = {"emit": [], "emit_many": [], "direct": []}
    baseline: list[float] = []
    for _ in range(runs):
        options = ["--async", "--noevents", "--secs", "1"]
        report = host.run("raw", *plugin(host.baseline_async, _NAIVE), *options)
        baseline.append(report["cycles"][0]["async"]["total"]["per_s"])
        options[-1] = "15"
        report = host.run("raw", *plugin(raw), *options)
        for line in report["log"]:
            form, _, rate = line.rpartition(": ")[2].partition(" ")
            if form in rates:
                rates[form].append(float(rate))
    return [
        Row(f"null handler, {form}", "events/s", values, baseline) for form, values in rates.items()
    ]


def _async_rate(report: dict) -> float:
    return sum(a["per_s"] for a in report.get("async", {}).values())


def _check(report: dict, what: str) -> None:
    """No event may be lost or out of its producer's order."""
    sequences = report.get("async_sequences", {})
    wrong = {key: sequences[key] for key in ("lost", "dup", "reordered") if sequences.get(key)}
    if wrong or not sequences.get("received"):
        raise SystemExit(f"{what}: {wrong or 'nothing arrived'}")


def end_to_end(host: Host, folder: Path, runs: int) -> list[Row]:
    """From emit to sinsp::next, lossless, through the real framework."""
    flood = build_plugin("flood", folder).library
    rows = []
    for name, where, goal in (
        ("nodriver", ["--nodriver"], ">= 10"),
        ("pump 0", ["--pump", "0"], ">= 10"),
        ("pump 1000", ["--pump", "1000"], ""),
    ):
        naive: list[float] = []
        ours: dict[int, list[float]] = {0: [], 256: []}
        for _ in range(runs):
            common = [*where, "--secs", "2", "--seq-data", "--latency-data"]
            naive.append(_async_rate(host.capture(*plugin(host.baseline_async, _WINDOW), *common)))
            for many, values in ours.items():
                report = host.capture(*plugin(flood, {"many": many}), *common)
                _check(report, name)
                values.append(_async_rate(report))
        rows += [
            Row(
                f"end to end, {name}, {'emit_many' if many else 'emit'}", "events/s", v, naive, goal
            )
            for many, v in ours.items()
        ]
    return rows


def busy_source(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure the share of its own rate that a full-speed source keeps beside async events."""
    flood = build_plugin("flood", folder).library
    source = [*plugin(host.baseline, {"async": 0}), "--open", "1000000000000,128", "--secs", "2"]
    kinds = {
        "50 k async/s": ({"rate": 50_000}, {**_WINDOW, "async_rate": 50_000}, ">= 0.85"),
        "async flood": ({}, _WINDOW, ">= 0.5"),
    }
    shares: dict[str, tuple[list[float], list[float]]] = {k: ([], []) for k in kinds}
    rates: dict[str, tuple[list[float], list[float]]] = {k: ([], []) for k in kinds}
    for _ in range(runs):
        alone = host.capture(*source)["by_type"]["322:pluginevent"]["per_s"]
        for kind, (ours, naive, _) in kinds.items():
            for i, options in enumerate((plugin(flood, ours), plugin(host.baseline_async, naive))):
                report = host.capture(*source, *options, "--seq-data", "--latency-data")
                _check(report, f"{('falcokit', 'naive')[i]} beside a busy source, {kind}")
                events = report["by_type"]["322:pluginevent"]["per_s"]
                shares[kind][i].append(events / alone)
                rates[kind][i].append(_async_rate(report))
    return [
        row
        for kind, (_, _, goal) in kinds.items()
        for row in (
            Row(f"busy source beside {kind}", "share", *shares[kind], goal=goal),
            Row(f"  async beside it, {kind}", "events/s", *rates[kind]),
        )
    ]


def gil(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure a host that parses our own events while a Python thread is CPU-bound.

    The work per event is the host's; the producer thread that fills the ring is the one that has to
    share the GIL, so a paced rate shows the host's side alone.
    """
    flood = build_plugin("flood", folder).library
    parse = build_plugin("parse", folder).library
    shares: list[float] = []
    python: list[float] = []
    for _ in range(runs):
        source = [*plugin(host.baseline, {"async": 0}), "--open", "1000000000000,128"]
        for values, library in ((shares, flood), (python, parse)):
            config = {"rate": 20_000} if library == flood else {}
            both = []
            for burn in (False, True):
                options = plugin(library, {**config, "burn": burn})
                report = host.capture(*source, *options, "--secs", "2")
                both.append(report["events"]["per_s"])
            values.append(both[1] / both[0])
    return [
        Row("host loop that parses own async events, CPU-bound thread beside", "share", shares,
            goal=">= 0.5"),
        Row("the same with a Python parse_event for each of them", "share", python),
    ]  # fmt: skip
