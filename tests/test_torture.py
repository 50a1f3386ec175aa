# SPDX-License-Identifier: Apache-2.0
"""The torture host itself, with the C baseline plugin: what it does, and that it notices."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Baseline, CompileC

_HOSTS = Path(__file__).parent / "hosts"
_FAST = 'init={"async":100000000,"async_delay_us":0,"producers":2}'
_CALM = 'init={"async":1000000,"async_delay_us":1000,"late":1}'


def run_script(torture: Path, *script: str) -> tuple[list[dict[str, Any]], int]:
    done = subprocess.run(
        [str(torture), *script],
        stdout=subprocess.PIPE,
        check=False,
        timeout=120,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
    )
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def test_a_whole_life_on_changing_threads_is_one_line_an_operation(
    baseline: Baseline, torture: Path
) -> None:
    script = [f"load={baseline.source}", f"@{_FAST}", "@set-handler", "pump=50", "@parse-own=50"]
    script += ["&metrics=1000", "set-config={}", "dump-state", "join", "open=3,3", "@next=2"]
    script += ["close", "@clear-handler", "destroy", "unload"]
    lines, code = run_script(torture, *script)
    assert code == 0
    assert lines[-1] == {"op": "end", "stray": 0, "malformed": 0, "done": True}
    by_op = {line["op"]: line for line in lines[:-1]}
    eof = 2
    assert {op: line["rc"] for op, line in by_op.items() if line["rc"]} == {"next": eof}
    assert by_op["set-handler"]["thread"] == "fresh"
    assert by_op["metrics"]["thread"] == "background"
    assert by_op["parse-own"]["parsed"] == 50
    assert by_op["unload"]["threads"] == 1


def test_hundreds_of_starts_and_stops_while_threads_emit(baseline: Baseline, torture: Path) -> None:
    lines, code = run_script(
        torture, f"load={baseline.async_only}", _FAST, "churn=300", "@churn=20", "destroy", "unload"
    )
    assert code == 0
    assert lines[2]["accepted"] > 300


def test_a_call_after_the_stop_is_noticed(baseline: Baseline, torture: Path) -> None:
    script = [f"load={baseline.async_only}", _CALM, "set-handler", "sleep=5", "clear-handler"]
    lines, code = run_script(torture, *script, "destroy", "unload")
    assert code == 1
    assert [line["stray"] for line in lines if line["op"] in {"clear-handler", "end"}] == [0, 1]


def test_two_copies_live_beside_each_other_and_are_reloaded(
    baseline: Baseline, torture: Path
) -> None:
    load = f"load={baseline.async_only}"
    script = ["repeat=50", "slot=0", load, "init", "@set-handler", "slot=1", load, "@init"]
    script += ["set-handler", "slot=0", "clear-handler", "destroy", "unload"]
    script += ["slot=1", "@clear-handler", "@destroy", "unload", "end"]
    lines, code = run_script(torture, *script)
    unloads = [line for line in lines if line["op"] == "unload"]
    assert code == 0
    assert len(unloads) == 100
    assert {line["threads"] for line in unloads[1::2]} == {1}
    assert unloads[-1]["fds"] == unloads[1]["fds"]
    assert unloads[-1]["rss_kb"] - unloads[9]["rss_kb"] < 1024


def test_it_runs_with_the_address_sanitizer(baseline: Baseline, compile_c: CompileC) -> None:
    sources = sorted(_HOSTS.glob("torture*.c"))
    torture = compile_c("torture_asan", sources, "-fsanitize=address")
    lines, code = run_script(
        torture, f"load={baseline.async_only}", _FAST, "churn=20", "destroy", "unload"
    )
    assert lines[-1]["done"]
    assert code == 0


def test_what_cannot_be_done_is_said(torture: Path, baseline: Baseline) -> None:
    lines, code = run_script(torture, "init", f"load={baseline.async_only}", "open", "fly")
    assert [line["error"] for line in lines[:-1]] == [
        "no library is loaded",
        "",
        "no such operation, or not exported: open",
        "no such operation, or not exported: fly",
    ]
    assert code == 1
    assert run_script(torture) == ([], 2)
