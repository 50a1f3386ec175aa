# SPDX-License-Identifier: Apache-2.0
"""Extraction on the real framework: methods and declarations against C, and how cost grows."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

from bench.host import Host, build_plugin, plugin
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["busy", "growth", "methods"]

_SECONDS = "1.5"
_PAIRS = {
    "u64": ("x.seq >= 0", "baseline.seq >= 0"),
    "string": ("x.text != none", "baseline.text != none"),
    "u64, a method that returns a constant": ("x.one >= 0", "baseline.seq >= 0"),
}


def _live(host: Host, library: Path, condition: str, *, burn: bool = False) -> float:
    """Return the events a second that a filter on a field lets pass, all of them."""
    source = [*plugin(host.baseline, {"async": 0}), "--open", "1000000000000,128"]
    options = [*plugin(library, {"burn": burn}), "--secs", _SECONDS, "--filter", condition]
    rate: float = host.capture(*source, *options)["events"]["per_s"]
    return rate


def methods(host: Host, folder: Path, runs: int) -> list[Row]:
    """Filter on one field: of a Python method, and of the C plugin."""
    library = build_plugin("extraction", folder).library
    rows = []
    for name, (ours, baseline) in _PAIRS.items():
        row = Row(f"filter on a method's field, {name}", "events/s", [], [], goal=">= 0.35")
        for _ in range(runs):
            row.baseline.append(_live(host, library, baseline))
            row.ours.append(_live(host, library, ours))
        rows.append(row)
    return rows


def busy(host: Host, folder: Path, runs: int) -> list[Row]:
    """Filter beside a CPU-bound Python thread: the share of the rate without it."""
    library = build_plugin("extraction", folder).library
    rows = []
    for name, condition, goal in (
        ("a method's field", "x.seq >= 0", ">= 0.5"),
        ("a declared field", "not x.declared exists", ">= 0.95"),
    ):
        row = Row(f"filter on {name}, CPU-bound thread beside", "share", [], goal=goal)
        for _ in range(runs):
            idle = _live(host, library, condition)
            row.ours.append(_live(host, library, condition, burn=True) / idle)
        rows.append(row)
    return rows


def _block(code: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", code) + size + body + size


def _write(file: Path, payload: bytes, count: int) -> None:
    """Write a capture of plugin events of the baseline's source."""
    machine = struct.pack("<IQQ128sQQQQ", 4, 1 << 34, 99, b"box", 0, 0, 0, 0)
    head = struct.pack("<QQIHI", 1_700_000_000_000_000_000, 2**64 - 1, 38 + len(payload), 322, 2)
    event = struct.pack("<H", 0) + head + struct.pack("<III", 4, len(payload), 999) + payload
    with file.open("wb") as out:
        out.write(_block(0x0A0D0D0A, struct.pack("<IHHQ", 0x1A2B3C4D, 1, 2, 2**64 - 1)))
        out.write(_block(0x201, machine))
        out.write(_block(0x221, event) * count)


def _document(size: int, place: float = 1.0) -> bytes:
    """Return an object of about that size; what the plugin asks for is at its end, or before."""
    fields = {f"f{i}": f"value {i}" for i in range(100)} if size >= 1 << 13 else {"f0": "value 0"}
    rest = max(0, size - len(json.dumps(fields)) - 40)
    filler = {f"other{i}": {"n": i, "t": "x" * 40} for i in range(rest // 72)}
    items = list((filler | fields).items())
    items.insert(int(len(items) * place), ("key", "the value"))
    return json.dumps(dict(items)).encode()


def _cost(host: Host, library: Path, file: Path, count: int, fields: str) -> float:
    """Return the ns that extracting some fields of an event adds to reading it."""
    times = []
    for wanted in ([], ["--fields", fields]):
        options = [*plugin(host.baseline, {"async": 0}), *plugin(library), "--scap", str(file)]
        report = host.capture(*options, "--secs", "60", *wanted)
        if report["events"]["count"] != count:
            raise SystemExit(f"{report['events']['count']} events of {count}")
        times.append(report["wall_s"])
    return (times[1] - times[0]) * 1e9 / count


def _places(host: Host, library: Path, file: Path, count: int, runs: int) -> list[Row]:
    """Measure the same with the key elsewhere: what is behind it is not looked at."""
    rows = []
    for name, place in (("in the middle", 0.5), ("first", 0.0)):
        payload = _document(1 << 10, place)
        _write(file, payload, count)
        values = [_cost(host, library, file, count, "x.declared") for _ in range(runs)]
        what = f"declared field, {len(payload)} B of JSON, its key {name}"
        rows.append(Row(what, "ns/event", values, goal="< 251"))
    return rows


def growth(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure what the fields of an event cost with the parse, by its size and their number."""
    library = build_plugin("extraction", folder).library
    rows = []
    file = folder / "growth.scap"
    for size, count in ((100, 200_000), (1 << 10, 400_000), (1 << 14, 6000), (1 << 20, 150)):
        payload = _document(size)
        _write(file, payload, count)
        for name, field in (
            ("C plugin's text", "baseline.text"),  # what the framework itself takes
            ("declared field", "x.declared"),
            ("method with json", "x.parsed"),
        ):
            goal = "< 251" if (size, field) == (1 << 10, "x.declared") else ""
            values = [_cost(host, library, file, count, field) for _ in range(runs)]
            rows.append(Row(f"{name}, {len(payload)} B of JSON", "ns/event", values, goal=goal))
        if size == 1 << 10:
            rows += _places(host, library, file, count, runs)
        if size != 1 << 14:
            continue
        for kind, letter in (("declared", "j"), ("methods with json", "m")):
            for number in (1, 10, 100):
                fields = ",".join(f"x.{letter}{i}" for i in range(number))
                values = [_cost(host, library, file, count, fields) for _ in range(runs)]
                row = Row(f"{number} {kind}, {len(payload)} B of JSON", "ns/event", values)
                rows.append(row)
    file.unlink()
    return rows
