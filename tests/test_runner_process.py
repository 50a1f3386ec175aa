# SPDX-License-Identifier: Apache-2.0
"""The runner as a process: signals, crashes, a parent or a reader that goes away."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.runner.program import build_runner
from falcokit.runner.run import Runner, RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Baseline

pytestmark = pytest.mark.python

_ENDLESS = '{"async":1000000000}'
_DEADLINE = 10.0


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _DEADLINE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def endless(baseline: Baseline) -> RunOptions:
    return RunOptions(library=baseline.async_only, init_config=_ENDLESS, stats_ms=20)


def read_until(runner: Runner, kind: str) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = []

    def found() -> bool:
        reports.extend(runner.read(0.1))
        return any(r["report"] == kind for r in reports)

    wait_for(found)
    return reports


def test_stop_closes_in_order_and_leaves_no_process(baseline: Baseline) -> None:
    with Runner(endless(baseline)) as runner:
        read_until(runner, "stats")
        begin = time.monotonic()
        runner.stop()
        assert time.monotonic() - begin < 1.0
        rest = list(runner.reports())
        assert rest[-2]["reason"] == "signal"
        assert rest[-1] == {"report": "end", "reason": "signal"}
        assert runner.returncode == 0
        assert not Path(f"/proc/{runner.pid}").exists()


def test_an_interrupt_closes_in_order_too(baseline: Baseline) -> None:
    with Runner(endless(baseline)) as runner:
        read_until(runner, "stats")
        os.kill(runner.pid, signal.SIGINT)
        assert list(runner.reports())[-1]["reason"] == "signal"
        assert runner.returncode == 0


def test_a_plugin_that_never_returns_is_given_two_seconds(baseline: Baseline) -> None:
    config = '{"hang_ms":60000}'
    with Runner(RunOptions(library=baseline.source, init_config=config, stats_ms=20)) as runner:
        read_until(runner, "stats")
        begin = time.monotonic()
        os.kill(runner.pid, signal.SIGTERM)
        assert list(runner.reports())[-1]["report"] == "stats"
        assert 1.5 < time.monotonic() - begin < 3.0
        assert runner.returncode == 3


def test_stop_kills_a_plugin_that_does_not_end_in_time(baseline: Baseline) -> None:
    config = '{"hang_ms":60000}'
    with Runner(RunOptions(library=baseline.source, init_config=config, stats_ms=20)) as runner:
        read_until(runner, "stats")
        runner.stop(timeout=0.2)
        assert runner.returncode == -signal.SIGKILL


def test_stop_returns_though_nobody_reads_the_pipe(baseline: Baseline) -> None:
    # A source at full speed fills the pipe at once; the runner waits for room in it.
    options = RunOptions(library=baseline.source, open_params="1000000000,128")
    with Runner(options) as runner:
        assert select.select([runner], [], [], _DEADLINE)[0]
        runner.stop()
        assert runner.returncode == 0


def test_a_crash_takes_nobody_along(baseline: Baseline) -> None:
    with Runner(RunOptions(library=baseline.source, init_config='{"crash":1}')) as runner:
        reports = list(runner.reports())
        assert reports[-1]["report"] == "open"
        assert runner.returncode == -signal.SIGABRT


def test_reports_are_there_at_once_and_events_within_50_ms(baseline: Baseline) -> None:
    config = '{"async":1,"async_first_ms":300}'
    with Runner(RunOptions(library=baseline.async_only, init_config=config)) as runner:
        reports = read_until(runner, "event")
        late = time.time_ns() - reports[-1]["ts_ns"]
        assert reports[-1]["report"] == "event"
        assert late < 200_000_000  # 50 ms, and what a busy machine adds


def test_the_child_dies_with_its_parent(baseline: Baseline) -> None:
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from falcokit.runner.run import Runner, RunOptions\n"
        "options = RunOptions(library=Path(sys.argv[1]), stats_ms=20)\n"
        "with Runner(options) as runner:\n"
        "    runner.read(timeout=5.0)\n"
        "    os.write(1, b'%d' % runner.pid)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", script, str(baseline.async_only)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    wait_for(lambda: not is_alive(int(done.stdout)))


def test_the_end_of_the_thread_that_started_it_is_not_the_end_of_the_child(
    baseline: Baseline,
) -> None:
    import threading

    runner = Runner(RunOptions(library=baseline.async_only, stats_ms=20))
    thread = threading.Thread(target=runner.__enter__)
    thread.start()
    thread.join()
    with_reports = 0
    try:
        while with_reports < 10:
            assert not runner.ended
            with_reports += bool(runner.read(1.0))
        assert runner.returncode is None
    finally:
        runner.__exit__(None, None, None)


def test_a_reader_that_goes_away_ends_the_run(baseline: Baseline) -> None:
    command = [str(build_runner()), "--plugin", str(baseline.async_only)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(timeout=_DEADLINE) == 0


def test_a_wrong_command_line_is_exit_2(baseline: Baseline) -> None:
    for wrong in ([], ["--plugin"], ["--nothing", "1"], ["--init", "x", "--plugin", "y"]):
        done = subprocess.run(
            [str(build_runner()), *wrong], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert "--plugin LIB" in done.stderr
        assert not done.stdout
    for option, value in (("--limit", "-1"), ("--duration", "soon"), ("--cycles", "0")):
        command = [str(build_runner()), "--plugin", str(baseline.source), option, value]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
