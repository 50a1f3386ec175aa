# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect --cut` and `--diff`: smaller captures, held against sysdig, and comparisons."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from capture.scap_builder import Builder
from cli.inspect_runs import CURL, events_of, inspect

from falcokit.capture import open_capture
from falcokit.toolchain.command import run

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Baseline, RealHost

    from falcokit.capture import Event


def content(event: Event) -> tuple[Any, ...]:
    return (event.ts_ns, event.tid, event.cpu, event.code, event.params, event.dump_flags)


# ---- smaller captures ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "options", "types"),
    [
        (".scap", ("evt.type in (open, close)",), ("open", "close")),
        (".scap.gz", ("--type", "mmap"), ("mmap",)),
        (".scap.gz", (), ()),
    ],
)
def test_a_cut_has_the_events_of_the_choice(
    tmp_path: Path, suffix: str, options: tuple[str, ...], types: tuple[str, ...]
) -> None:
    target = tmp_path / f"cut{suffix}"
    assert inspect(CURL, "--cut", target, *options).returncode == 0
    cut, wanted = events_of(target), events_of(CURL, *types)
    assert [content(event) for event in cut] == [content(event) for event in wanted]
    with open_capture(target) as capture:
        assert capture.compressed is (suffix == ".scap.gz")


def test_a_cut_has_the_lists(tmp_path: Path) -> None:
    target = tmp_path / "cut.scap"
    assert inspect(CURL, "--cut", target, "evt.type=none").returncode == 0
    for kind in ("--processes", "--fds", "--users"):
        assert inspect(target, kind).stdout == inspect(CURL, kind).stdout


@pytest.mark.host
@pytest.mark.parametrize("text", ["evt.type in (open, close)", "thread.tid=17497", "evt.cpu=0"])
def test_sysdig_reads_the_same_from_a_cut(real_host: RealHost, tmp_path: Path, text: str) -> None:
    target = tmp_path / "cut.scap"
    assert inspect(CURL, "--cut", target, text).returncode == 0

    def shown(file: Path, *condition: str) -> list[str]:
        form = "*%evt.rawtime %thread.tid %evt.dir %evt.type %evt.args"
        command = [str(real_host.sysdig), "-r", str(file), "-p", form, *condition]
        # Of a descriptor that another event has made, a cut has the number alone.
        return re.sub(r"\(<.*?\)", "", run(command, timeout=60)).splitlines()

    assert shown(target) == shown(CURL, text) != []


@pytest.mark.host
def test_a_cut_that_sysdig_stops_at_has_a_warning(real_host: RealHost, tmp_path: Path) -> None:
    target = tmp_path / "cut.scap"
    halves = "not (evt.type=read and evt.dir=<) and not (evt.type=close and evt.dir=>)"
    done = inspect(CURL, "--cut", target, halves)
    assert done.returncode == 0
    warning, _ = done.stderr.splitlines()
    assert warning.startswith(f"warning: a replay of {target} stops where an exit event of close")
    command = [str(real_host.sysdig), "-r", str(target)]
    theirs = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "The enter event for 'close_X' is not the right one" in theirs.stderr


@pytest.mark.host
def test_sysdig_replays_a_cut_of_plugin_and_async_events(
    real_host: RealHost, baseline: Baseline, tmp_path: Path
) -> None:
    file, target = tmp_path / "all.scap", tmp_path / "cut.scap"
    config = '{"async":4,"stamp":1,"async_first_ms":50}'
    source = ["-I", "baseline:50,7,16,300", "-w", str(file)]
    run([str(real_host.sysdig), "-H", f"{baseline.source}:{config}", *source])
    assert inspect(file, "--cut", target, "--tail", "10").returncode == 0

    def shown(path: Path) -> list[str]:
        form = "*%evt.rawtime %evt.type %baseline.seq %evt.asynctype"
        command = [str(real_host.sysdig), "-r", str(path), "-H", str(baseline.source)]
        return run([*command, "-p", form], timeout=60).splitlines()

    assert shown(target) == shown(file)[-10:]


def test_a_cut_keeps_sections_apart(tmp_path: Path) -> None:
    build = Builder()
    path, target = tmp_path / "two.scap", tmp_path / "cut.scap"
    path.write_bytes(
        b"".join(
            build.section() + build.machine(host) + build.plugin_event(1, host)
            for host in (b"first", b"second")
        )
    )
    assert inspect(path, "--cut", target).returncode == 0
    assert target.read_bytes() == path.read_bytes()


def test_a_capture_can_be_cut_in_place(tmp_path: Path) -> None:
    path = tmp_path / "f.scap"
    path.write_bytes(gzip.decompress(CURL.read_bytes()))
    assert inspect(path, "--cut", path, "-n", "5").returncode == 0
    assert len(events_of(path)) == 5


# ---- comparisons --------------------------------------------------------------------------------


def test_a_capture_is_the_same_as_itself_packed_or_not(tmp_path: Path) -> None:
    plain = tmp_path / "plain.scap"
    plain.write_bytes(gzip.decompress(CURL.read_bytes()))
    done = inspect(CURL, "--diff", plain)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the same events in the same order" in done.stdout
    assert "Counts" not in done.stdout
    found = json.loads(inspect(CURL, "--diff", plain, "--json").stdout)
    assert found == {
        "version": 1,
        "files": [str(CURL), str(plain)],
        "events": [1536, 1536],
        "same": True,
        "complete": True,
        "differs_at": None,
        "types": [],
    }


def test_a_difference_is_counted_and_shown(tmp_path: Path) -> None:
    less = tmp_path / "less.scap"
    inspect(CURL, "--cut", less, "evt.type!=close")
    report = inspect(CURL, "--diff", less).stdout
    closes = len(events_of(CURL, "close"))
    assert f"{1536 - closes:,} events" in report
    rows = report.partition("difference\n")[2].splitlines()
    half = str(closes // 2)
    assert [row.split() for row in rows] == [
        ["<", "close", half, "0", f"-{half}"],
        [">", "close", half, "0", f"-{half}"],
    ]
    found = json.loads(inspect(CURL, "--diff", less, "--json").stdout)
    assert found["same"] is False
    first, second = found["differs_at"]
    assert first["type"] == "close"
    assert second["type"] != "close"
    assert "the same" in inspect(CURL, "--diff", less, "evt.type!=close").stdout


def test_each_side_of_a_comparison_has_its_warnings_and_its_own_time(tmp_path: Path) -> None:
    build = Builder()
    files = []
    for number in range(2):
        start = 1_700_000_000_000_000_000 + number * 10**12
        ticks = [build.plugin_event(1, b"%d" % s, ts=start + s * 10**9) for s in range(3)]
        files.append(tmp_path / f"{number}.scap")
        files[-1].write_bytes(build.section() + b"".join(ticks) + b"cut")
    done = inspect(files[0], "--diff", files[1], "--time", "+1..+1")
    assert done.returncode == 0
    assert "1 events" in done.stdout.replace("event\n", "events\n")
    assert "the same events" in done.stdout
    first, second = done.stderr.splitlines()
    assert first.startswith(f"warning: {files[0]}: the last block ends")
    assert second.startswith(f"warning: {files[1]}: the last block ends")
