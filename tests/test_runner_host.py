# SPDX-License-Identifier: Apache-2.0
"""The runner beside the framework itself: the same events, and captures that both can read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.runner.run import Runner, RunOptions
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from conftest import Baseline, CompileC, RealHost

pytestmark = pytest.mark.host
_HOSTS = Path(__file__).parent / "hosts"
# The producer waits until the source has sent all it has: the order is then the same every time.
_CONFIG = '{"async":4,"async_first_ms":100,"async_delay_us":1000}'
_OPEN = "3,1,16,400"


def events_of(options: RunOptions) -> list[dict[str, Any]]:
    with Runner(options) as runner:
        return [r for r in runner.reports() if r["report"] == "event"]


def sysdig(real_host: RealHost, *arguments: str) -> list[str]:
    return [str(real_host.sysdig), *arguments]


def replay_of(real_host: RealHost, library: Path, file: Path) -> dict[str, Any]:
    command = [str(real_host.plughost), "sinsp", "--plugin", str(library), "--scap", str(file)]
    capture: dict[str, Any] = json.loads(run(command, timeout=60))["cycles"][0]
    return capture


def test_the_runner_delivers_what_sysdig_delivers(baseline: Baseline, real_host: RealHost) -> None:
    lines = run(
        sysdig(
            real_host,
            *("-H", f"{baseline.source}:{_CONFIG}", "-I", f"baseline:{_OPEN}"),
            *("-p", "*%evt.num %evt.type %evt.source %evt.is_async"),
        ),
        timeout=60,
    ).splitlines()
    ours = [
        f"{e['number']} {e['type']} {e['source']} {'true' if e['code'] == 402 else 'false'}"
        for e in events_of(
            RunOptions(library=baseline.source, init_config=_CONFIG, open_params=_OPEN)
        )
    ]
    assert ours == lines
    assert len(ours) == 7


def test_the_framework_accepts_and_refuses_the_same_libraries(
    compile_c: CompileC, real_host: RealHost
) -> None:
    flags = ["-DNO_INIT", "-DNO_CAPABILITY", "-DHALF_SOURCE", "-DID_WITHOUT_SOURCE"]
    flags += ["-DSYSCALL_WITH_ID", "-DHALF_ASYNC", "-DHALF_LISTEN", '-DAPI="3.13.0"']
    flags += ['-DAPI="2.0.0"', '-DVERSION="1.0"', '-DAPI="3.12.0"', "-DPLAIN"]
    accepted = {'-DAPI="3.12.0"', "-DPLAIN"}
    for number, flag in enumerate(flags):
        library = compile_c(f"libverdict{number}.so", [_HOSTS / "odd_plugin.c"], flag)
        theirs = subprocess.run(
            [str(real_host.plughost), "info", "--plugin", str(library)],
            capture_output=True,
            check=False,
        )
        with Runner(RunOptions(library=library, duration=0.01)) as runner:
            reports = list(runner.reports())
        assert (theirs.returncode == 0) == (flag in accepted), (flag, theirs.stdout)
        assert (reports[-1]["reason"] != "error") == (flag in accepted), (flag, reports)


def test_a_recording_is_read_by_sysdig_and_by_libsinsp(
    baseline: Baseline, real_host: RealHost, tmp_path: Path
) -> None:
    file = tmp_path / "out.scap"
    ours = events_of(
        RunOptions(library=baseline.source, init_config=_CONFIG, open_params=_OPEN, record=file)
    )
    shown = run(
        sysdig(
            real_host,
            *("-H", str(baseline.source), "-r", str(file)),
            *("-p", "*%evt.type %evt.rawtime %evt.source %baseline.seq"),
        ),
        timeout=60,
    ).splitlines()
    # dump_state's event comes first and is state: it is parsed on opening, and not shown.
    numbers = iter(range(3))
    assert shown == [
        f"{e['type']} {e['ts_ns']} baseline_src {next(numbers) if e['code'] == 322 else '<NA>'}"
        for e in ours
    ]
    replay = replay_of(real_host, baseline.source, file)
    assert replay["events"]["count"] == len(ours) == 7
    assert replay["async"]["beat"]["count"] == 4


def test_a_recording_over_several_cycles_is_one_file(
    baseline: Baseline, real_host: RealHost, tmp_path: Path
) -> None:
    file = tmp_path / "out.scap"
    options = RunOptions(
        library=baseline.source, init_config='{"async":0}', open_params="5", record=file, cycles=3
    )
    assert len(events_of(options)) == 15
    replay = replay_of(real_host, baseline.source, file)
    assert replay["by_type"]["322:pluginevent"]["count"] == 15


def test_payloads_above_64_kib_survive_a_recording(
    baseline: Baseline, real_host: RealHost, tmp_path: Path
) -> None:
    file = tmp_path / "out.scap"
    config = '{"async":2,"async_first_ms":50,"size":200000}'
    options = RunOptions(
        library=baseline.source, init_config=config, open_params="1,1,100000,300", record=file
    )
    assert [e["size"] for e in events_of(options)] == [100000, 200000, 200000]
    replay = replay_of(real_host, baseline.source, file)
    assert replay["events"]["count"] == 3
    assert replay["bytes"]["count"] > 500_000
