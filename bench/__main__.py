# SPDX-License-Identifier: Apache-2.0
"""Run the benchmarks: `python -m bench [--runs N] [--only NAME ...] [--json FILE]`.

Baseline and falcokit take turns within each run, on the same host, so that what else the machine
does falls on both.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench import (
    captures,
    extraction,
    latency,
    memory,
    packaging,
    parsing,
    rates,
    rules,
    sources,
    start,
    tables,
)
from bench.host import Host
from bench.table import Row, show, to_json


def main() -> None:
    """Run what was asked for and print each table as it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    host, runs = Host(), options.runs
    every: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="falcokit-bench-") as name:
        folder = Path(name)
        parts = {
            "emission": lambda: rates.emission(host, folder, runs),
            "end_to_end": lambda: rates.end_to_end(host, folder, runs),
            "busy": lambda: rates.busy_source(host, folder, runs),
            "gil": lambda: rates.gil(host, folder, runs),
            "parsing": lambda: parsing.parsing(host, folder, runs),
            "tables": lambda: tables.exported(host, folder, runs),
            "extraction": lambda: extraction.methods(host, folder, runs),
            "extraction-busy": lambda: extraction.busy(host, folder, runs),
            "extraction-growth": lambda: extraction.growth(host, folder, runs),
            "latency": lambda: latency.latency(host, folder, runs),
            "sources": lambda: sources.sources(host, folder, runs),
            "documents": lambda: sources.documents(host, folder, runs),
            "memory": lambda: memory.memory(host, folder, runs),
            "captures": lambda: captures.captures(runs),
            "rules": lambda: rules.rules(host, folder, runs),
            "help": lambda: start.help_time(runs),
            "init": lambda: start.init(host, folder, runs),
            "dev": lambda: start.dev_loop(folder, runs),
            "packaging": lambda: packaging.packaging(host, folder, runs),
        }
        for part, run in parts.items():
            if not options.only or part in options.only:
                rows = run()
                show(rows)
                every += rows
    if options.json:
        options.json.write_text(json.dumps(to_json(every), indent=1))


if __name__ == "__main__":
    main()
