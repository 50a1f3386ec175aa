# SPDX-License-Identifier: Apache-2.0
"""Every document of `falcokit inspect` is as summary.schema.json has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from capture.schema_check import check
from cli.inspect_runs import CURL, SAMPLES, inspect

import falcokit.capture.summary

SCHEMA: dict[str, Any] = json.loads(
    Path(falcokit.capture.summary.__file__)
    .with_name("summary.schema.json")
    .read_text(encoding="utf-8")
)
EMPTY = SAMPLES / "falco-empty.scap"


def document(*arguments: object) -> Any:
    done = inspect(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["processes", "fds", "users"])
@pytest.mark.parametrize("file", [CURL, EMPTY], ids=["curl", "falco"])
def test_lists_fit_their_schema(file: Path, kind: str) -> None:
    found = document(file, f"--{kind}", "--json")
    assert len(found[kind]) > 10
    schema = SCHEMA["$defs"][kind]
    check(found, schema, SCHEMA)
    with pytest.raises(AssertionError):
        check(found | {"more": 1}, schema, SCHEMA)
    found[kind].append({"kind": "other"})
    with pytest.raises(AssertionError):
        check(found, schema, SCHEMA)


def test_a_comparison_fits_its_schema() -> None:
    found = document(CURL, "--diff", EMPTY, "--json")
    check(found, SCHEMA["$defs"]["comparison"], SCHEMA)
    assert found["types"]
    assert len(found["differs_at"]) == 2


def test_lines_fit_the_schema_of_an_event() -> None:
    done = inspect(CURL, "--jsonl")
    lines = done.stdout.splitlines()
    assert len(lines) == 1536
    for line in lines:
        check(json.loads(line), SCHEMA["$defs"]["event"], SCHEMA)
    listed = document(CURL, "--json", "-n", "1536")["listed"]
    assert listed == [json.loads(line) for line in lines]


@pytest.mark.parametrize("options", [(), ("--type", "open"), ("--type", "none")])
def test_the_histogram_counts_every_event_with_a_time(options: tuple[str, ...]) -> None:
    found = document(CURL, "--json", "--stats", *options)
    check(found, SCHEMA, SCHEMA)
    timed = found["events"]["count"] - found["events"]["untimed"]
    if not timed:
        assert found["histogram"] is None
        return
    bins, time = found["histogram"], found["time"]
    assert sum(bins["counts"]) == timed
    end = bins["start_ns"] + bins["width_ns"] * len(bins["counts"])
    assert bins["start_ns"] <= time["first_ns"] < bins["start_ns"] + bins["width_ns"]
    assert end - bins["width_ns"] <= time["last_ns"] < end


def test_the_events_of_a_filter_have_no_warning_about_a_replay() -> None:
    halves = "not (evt.type=read and evt.dir=<) and not (evt.type=close and evt.dir=>)"
    assert document(CURL, "--json", halves)["warnings"] == []
    assert inspect(CURL, "--stats", "--type", "none").stderr == ""
