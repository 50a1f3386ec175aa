# SPDX-License-Identifier: Apache-2.0
"""examples/container-metadata: sysdig writes a capture, and both read the same from it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from forked import run_forked

from falcokit.capture import open_capture
from falcokit.runner.run import Runner, RunOptions

if TYPE_CHECKING:
    from pathlib import Path

    from example_rules import Built

FIELDS = ["ctr.id", "ctr.name", "ctr.image", "ctr.engine", "ctr.label[team]"]


def shown_by_sysdig(real_host: Any, *arguments: str | Path) -> str:
    done = subprocess.run(
        [real_host.sysdig, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_falcokit(library: Path, capture: Path) -> dict[int, list[str]]:
    options = RunOptions(library=library, replay=capture, fields=",".join(FIELDS))
    with Runner(options) as runner:
        events = [report for report in runner.reports() if report["report"] == "event"]
    return {
        event["number"]: [event["fields"].get(name, "<NA>") for name in FIELDS] for event in events
    }


def test_its_rules_find_the_shell_and_the_untagged_image(example: Built) -> None:
    arguments = ["run", "-C", str(example.root), "--replay", "events.scap", "--json"]
    done = run_forked("falcokit", arguments, cwd=example.root, env=os.environ)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert [
        (report["number"], report["rule"].partition(" (")[0], report["output_fields"]["ctr.name"])
        for report in reports
        if report["report"] == "alert"
    ] == [(4, "Container of an untagged image", "api"), (9, "Shell in a container", "web")]


@pytest.mark.host
def test_a_capture_of_sysdig_has_the_same_containers_in_both(
    example: Built, tmp_path: Path, real_host: Any
) -> None:
    written = tmp_path / "sysdig.scap"
    shown_by_sysdig(
        real_host, "-r", example.root / "events.scap", "-H", example.library, "-w", written
    )
    with open_capture(written) as capture:
        state = [json.loads(event.data) for event in capture if event.leading and event.code == 402]
    assert state[0]["name"] == "web", "what the plugin knew was not dumped"
    form = "*" + " ".join(["%evt.num", *(f"%{name}" for name in FIELDS)])
    lines = shown_by_sysdig(real_host, "-r", written, "-H", example.library, "-p", form)
    theirs = {int(line.split()[0]): line.split()[1:] for line in lines.splitlines()}
    assert of_falcokit(example.library, written) == theirs
    names = [values[1] for values in theirs.values()]
    assert (names.count("web"), names.count("api"), names.count("<NA>")) == (4, 4, 3)
