# SPDX-License-Identifier: Apache-2.0
"""run, dev and build with plugins that have an event source and fields of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from forked import run_forked

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Baseline

_PROJECT = """\
[project]
name = "counter"
version = "0.1.0"
description = "Counts."
authors = [{ name = "Tests", email = "tests@example.com" }]
[tool.falcokit]
plugin = "counter:Counter"
open_params = "3"
"""
_CODE = """\
from falcokit import EventSource, Plugin

class Counter(Plugin, EventSource):
    plugin_id, event_source = 999, "counted"

    def open(self, params):
        for n in range(int(params)):
            yield f"number {n}"

    def event_to_string(self, event):
        return f"<{event.data.decode()}>" if event.data != b"number 1" else ""
"""
_LISTENER = """\
from falcokit import CaptureListening, Plugin

class Counter(Plugin, CaptureListening):
    def capture_open(self, capture):
        pass
"""


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(_PROJECT)
    (tmp_path / "counter.py").write_text(_CODE)
    return tmp_path


def falcokit(*arguments: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = run_forked("falcokit", [*map(str, arguments)], env=os.environ, timeout=60)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done


def reports(*arguments: object) -> list[dict[str, Any]]:
    return [json.loads(line) for line in falcokit(*arguments, "--json").stdout.splitlines()]


def test_run_shows_a_sources_events_with_their_text(counter: Path) -> None:
    done = falcokit("run", "-C", counter)
    lines = [re.sub(r" \d\d:\d\d:\d\d\.\d{6}", "", line) for line in done.stdout.splitlines()]
    assert [line.split(maxsplit=4) for line in lines] == [
        ["1", "counted", "8", "B", "<number 0>"],
        ["2", "counted", "8", "B", "number 1"],  # no text of its own: the payload
        ["3", "counted", "8", "B", "<number 2>"],
    ]
    assert "closed after 3 events (eof: the event source has ended)" in done.stderr


def test_open_params_of_the_command_line_win(counter: Path) -> None:
    events = [r for r in reports("run", "-C", counter, "--open-params", "2") if "number" in r]
    assert [e["data"] for e in events] == ["number 0", "number 1"]
    assert [e.get("text") for e in events] == ["<number 0>", None]
    (counter / "pyproject.toml").write_text(_PROJECT.replace('"3"', "3"))
    assert (
        "open_params must be a table, or a string"
        in falcokit("run", "-C", counter, status=3).stderr
    )


def test_dev_tells_of_the_source_and_its_last_event(counter: Path) -> None:
    told = reports("dev", "-C", counter)
    last = [r for r in told if r["report"] == "stats"][-1]
    assert last["plugin_events"] == {"count": 3, "bytes": 24}
    assert (last["last"]["number"], last["last"]["text"]) == (3, "<number 2>")
    assert [r["reason"] for r in told if r["report"] == "closed"] == ["eof"]


def test_fields_are_shown_as_name_and_value(baseline: Baseline) -> None:
    given = ("run", baseline.source, "--init-config", '{"async":0}', "--open-params", "2")
    lines = falcokit(*given).stdout.splitlines()
    # Before the payload, which is long.
    assert [line.partition("  baseline.")[2].partition("  ")[0] for line in lines] == [
        'seq=0 baseline.text="number 0"',
        'seq=1 baseline.text="number 1"',
    ]
    chosen = [r for r in reports(*given, "--fields", "baseline.seq") if r["report"] == "event"]
    assert [e["fields"] for e in chosen] == [{"baseline.seq": 0}, {"baseline.seq": 1}]
    refused = falcokit(*given, "--fields", "baseline.none", status=3)
    assert "has no field baseline.none" in refused.stderr


def test_build_tells_capabilities_and_warns_of_a_mere_listener(counter: Path) -> None:
    assert "capabilities: event sourcing\n" in falcokit("build", "-C", counter).stderr
    (counter / "counter.py").write_text(_LISTENER)
    said = falcokit("build", "-C", counter).stderr
    assert "warning: a plugin that only listens to captures is refused by Falco" in said
    assert "capabilities: capture listening\n" in said


def test_dev_watch_keeps_open_params_and_begins_again(counter: Path) -> None:
    command = [sys.executable, "-m", "falcokit", "dev", "--watch", "-C", str(counter), "--json"]
    said: list[str] = []
    with subprocess.Popen(
        [*command, "--open-params", "2", "--duration", "30"], stdout=subprocess.PIPE, text=True
    ) as dev:
        try:
            for line in dev.stdout or ():
                report = json.loads(line)
                if report["report"] == "stats" and "last" in report:
                    said.append(f"{report['events']} {report['last'].get('text')}")
                if report["report"] == "ended" and report["run"] == 1:
                    (counter / "counter.py").write_text(_CODE.replace('"number 1"', '"number 0"'))
                elif report["report"] == "ended":
                    break
        finally:
            dev.terminate()
    assert (said[0], said[-1]) == ("2 None", "2 <number 1>")


_FAILING = """\
from falcokit import AsyncEvents, Plugin, async_event

class Counter(Plugin, AsyncEvents):
    @async_event("beat", every=0.01)
    def beat(self):
        return "beat"

    @async_event("gone")
    def gone(self):
        yield "once"
        raise ValueError("no more")
"""


def test_run_and_dev_tell_what_a_producer_does(counter: Path) -> None:
    (counter / "counter.py").write_text(_FAILING)
    told = [r for r in reports("run", "-C", counter, "-n", "120") if r["report"] == "metrics"]
    metrics = told[0]["metrics"]
    assert (metrics["producer_beat_state"], metrics["producer_gone_state"]) == (0, 2)
    assert 0 < metrics["producer_gone_retry_ms"] <= 1000
    done = falcokit("dev", "-C", counter, "--duration", 1.5)
    assert "gone: " in done.stdout
    assert ", failed " in next(line for line in done.stdout.splitlines() if line[:5] == "gone:")
    run = falcokit("run", "-C", counter, "-n", "20")
    assert re.search(
        r"gone': ValueError: no more\n +\d+ \| raise ValueError.*\n +it starts again in 1 s\n",
        run.stderr,
    )
    logs = [r for r in reports("run", "-C", counter, "-n", "20") if "exception" in r]
    (error,) = [r["exception"] for r in logs]
    assert (error["hook"], error["type"]) == ("producer of 'gone'", "ValueError")
    assert error["source"].startswith("raise ValueError(")
    assert error["notes"] == ["it starts again in 1 s"]
