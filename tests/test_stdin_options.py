# SPDX-License-Identifier: Apache-2.0
"""Configs and open params, which may hold secrets, are in nobody's process list."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from words_capture import PLUGIN

from falcokit.errors import PluginFailedError
from falcokit.package.artifact import verify
from falcokit.runner.extract import ExtractionClient
from falcokit.runner.program import build_runner
from falcokit.runner.run import Runner, RunOptions
from falcokit.runner.stdin_options import hand_over, stdin_options

if TYPE_CHECKING:
    from conftest import Baseline, CompileC

SECRET = "hunter2-" + "x" * 40
CONFIG = json.dumps({"async": 1000000000, "token": SECRET})


def shown_by_children(parent: int) -> str:
    """Return what anybody can read of the processes below `parent`, which has some."""
    shown, found = [], [parent]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
        if pid != parent:
            shown.append(Path(f"/proc/{pid}/cmdline").read_text())
    assert shown
    return "\n".join(shown)


def test_run_shows_the_config_of_a_file_to_nobody(baseline: Baseline, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(CONFIG)
    command = [sys.executable, "-m", "falcokit", "run", str(baseline.source), "--json"]
    command += ["--init-config", f"@{tmp_path / 'secret.json'}"]
    command += ["--open-params", "1000000,1,8,10000"]  # it is still there when it is looked at
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert any('"open"' in line for line in child.stdout)
        shown = shown_by_children(child.pid)
        child.terminate()
        child.stdout.read()
    assert str(baseline.source) in shown
    assert SECRET not in shown


def test_the_runner_hides_open_params_and_a_later_config_too(baseline: Baseline) -> None:
    later = json.dumps({"token": SECRET})
    options = RunOptions(
        library=baseline.source, open_params=f"9,1,8,9000,{SECRET}", set_config=later
    )
    with Runner(options) as runner:
        while not any(r["report"] == "event" for r in runner.read(10.0)):
            assert not runner.ended
        assert SECRET not in shown_by_children(os.getpid())


def test_extraction_hides_the_config(compile_c: CompileC) -> None:
    library = compile_c("libwords.so", [PLUGIN])
    with ExtractionClient(library, init_config=SECRET):
        assert SECRET not in shown_by_children(os.getpid())


def test_the_check_of_a_package_hides_config_and_params(
    baseline: Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    run = subprocess.run

    def watched(command: list[str], **options: Any) -> Any:
        seen.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", watched)
    config = json.dumps({"async": 1, "async_first_ms": 1, "token": SECRET})
    reports, status, _ = verify._run(baseline.source, config, f"3,1,8,1,{SECRET}")
    assert status == 0
    assert sum(r["report"] == "event" for r in reports) > 0
    assert SECRET not in str(seen)


def test_a_config_that_is_larger_than_a_pipe_arrives_whole(baseline: Baseline) -> None:
    config = json.dumps({"pad": "x" * 3_000_000, "fail": 1})
    with Runner(RunOptions(library=baseline.source, init_config=config)) as runner:
        (error,) = [r for r in runner.reports() if r["report"] == "error"]
    assert error["message"] == "init was asked to fail"


def test_configs_of_several_plugins_do_not_get_mixed_up(baseline: Baseline) -> None:
    options = RunOptions(
        library=baseline.source, init_config='{"async":7}', beside=(baseline.async_only,),
        open_params="1,1,8,100", duration=5.0, limit=8,
    )  # fmt: skip
    with Runner(options) as runner:
        events = [r for r in runner.reports() if r["report"] == "event"]
    assert len(events) == 8


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\1\0",
        struct.pack("=I", 10) + b"--limit\0",
        struct.pack("=I", 8) + b"--limit3",
        struct.pack("=I", 2**32 - 1),
        stdin_options({"--stdin-options": ""}),
        stdin_options({"--nothing": "x"}),
    ],
)
def test_what_is_no_list_of_options_is_wrong_usage(baseline: Baseline, given: bytes) -> None:
    command = [str(build_runner()), "--plugin", str(baseline.source), "--stdin-options"]
    done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=30)
    assert done.returncode == 2
    assert b"--plugin LIB" in done.stderr
    assert not done.stdout


def test_a_value_with_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        stdin_options({"--init": "a\0b"})
    assert stdin_options({"--init": None}) == b""


def test_a_runner_that_reads_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("falcokit.runner.stdin_options._PATIENCE_S", 0.05)
    reading, writing = os.pipe()
    with (
        os.fdopen(reading, "rb"),
        os.fdopen(writing, "wb") as stream,
        pytest.raises(PluginFailedError, match="does not read its options"),
    ):
        hand_over(stream, b"x" * 1_000_000)


def test_a_runner_that_ended_is_no_error_here() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stream:
        hand_over(stream, b"x" * 1_000_000)
