#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program with the command line and the output of Falco 0.45.1, which answers from records.

It reads its configuration as Falco does (tests/falco_reading.py), and refuses what Falco refuses.
For a rules file it says what a real Falco said of the case of that name in $RECORDED. With
$STAY=1 it runs until a signal, as Falco does on a source without an end; $LOG is a line that it
logs as its own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from falco_reading import read_configuration

CASES: dict[str, Any] = json.loads(Path(os.environ["RECORDED"]).read_text())
HEAD = {"column": 0, "item_name": "", "item_type": "rules content", "line": 0}


def log(text: str) -> None:
    sys.stderr.write(f"2026-11-30T09:00:00+0000: {text}\n")


def problem(found: dict[str, Any], name: str) -> dict[str, Any]:
    places = [
        {
            "item_name": at["item_name"],
            "item_type": at["item_type"],
            "position": {"name": name, "line": at["line"], "column": at["column"], "offset": 0},
        }
        for at in found.get("at", [HEAD])
    ]
    return {**found, "codedesc": "", "context": {"locations": places, "snippet": ""}}


def validate(files: list[str]) -> int:
    results = []
    for name in files:
        said = CASES[Path(name).stem]["validate"]
        for found in said["errors"]:
            if found["code"] is None:  # of the plugins that the rules want: no result at all
                sys.stderr.write(f"Error: {found['message']}\n")
                return 1
        results.append(
            {
                "name": name,
                "successful": said["successful"],
                "errors": [problem(found, name) for found in said["errors"]],
                "warnings": [problem(found, name) for found in said["warnings"]],
            }
        )
    sys.stdout.write(json.dumps({"falco_load_results": results}) + "\n")
    return 0 if all(result["successful"] for result in results) else 1


def run(configuration: dict[str, Any]) -> int:
    log("Falco version: 0.45.1 (x86_64)")
    log(f"[libs]: {configuration['plugins'][0].name}: {os.environ.get('LOG', 'hello')}")
    for file in configuration["rules_files"]:
        case = CASES[Path(file).stem]
        if not case["validate"]["successful"]:
            (found, *_) = case["validate"]["errors"]
            where = f"{file}: Invalid\n1 Errors:\n" if found["code"] else ""
            sys.stderr.write(f"Error: {where}{found['message']}\n")
            return 1
        for alert in case["alerts"]:
            output = f"{alert['time']}: {alert['priority']} {alert['message']}"
            sys.stdout.write(json.dumps({"hostname": "h", "output": output, **alert}) + "\n")
    sys.stdout.flush()
    if os.environ.get("STAY") == "1":
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", required=True)
    parser.add_argument("-V", action="append", default=[])
    parser.add_argument("-M", type=int)
    given = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    file = Path(given.c)
    assert file.stat().st_mode & 0o077 == 0 or file.parent.stat().st_mode & 0o077 == 0
    configuration = read_configuration(file.read_text(), {})
    assert configuration["json_output"] == "true"
    assert configuration["buffered_outputs"] == "false", "else alerts come late through a pipe"
    assert configuration["log_stderr"] == "true"
    assert configuration["engine"]["kind"] in {"nodriver", "modern_ebpf", "replay"}
    assert [plugin.name for plugin in configuration["plugins"]] == configuration["load_plugins"]
    if Path(configuration["plugins"][0].library_path).suffix != ".so":
        sys.stderr.write("Error: cannot load plugin\n")
        return 1
    return validate(given.V) if given.V else run(configuration)


sys.exit(main())
