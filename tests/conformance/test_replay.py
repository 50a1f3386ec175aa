# SPDX-License-Identifier: Apache-2.0
"""A capture as the input: our runner and sysdig give a plugin the same events and tables."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin
from replay_capture import write_busy

from falcokit.capture import CaptureWriter, open_capture
from falcokit.runner.run import Runner, RunOptions
from tools.template_capture import FILE, FOLDERS, template_capture

if TYPE_CHECKING:
    from author import Author
    from conftest import Baseline, RealHost, WritePlugin
    from drivers import Sysdig

_ROOT = Path(__file__).parents[2]
FIELDS = ("t.thread", "t.lists", "t.fds", "t.all")
Report = dict[str, Any]


def replay(library: Path, file: Path, **options: Any) -> tuple[list[Report], int | None]:
    with Runner(RunOptions(library=library, replay=file, **options)) as runner:
        return list(runner.reports()), runner.returncode


def of_kind(reports: list[Report], kind: str) -> list[Report]:
    return [report for report in reports if report["report"] == kind]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("replay") / "busy.scap"
    write_busy(file)
    return file


@pytest.fixture
def watching(write_plugin: WritePlugin) -> Author:
    return write_plugin(plugin("replay_threads"))


def rows_of(library: Path, file: Path) -> dict[int, list[str]]:
    reports, code = replay(library, file, rows=",".join(FIELDS), stats_ms=60_000)
    assert code == 0, reports
    return {
        row.number: ["<NA>" if value is None else value for value in row.values or ()]
        for report in of_kind(reports, "rows")
        for row in report["rows"]
        if row.source == "syscall"
    }


@pytest.mark.host
def test_the_table_of_threads_is_sysdig_s_at_every_event(
    sysdig: Sysdig, watching: Author, busy: Path
) -> None:
    """P6"""
    form = "*" + "|".join(["%evt.num", *(f"%{field}" for field in FIELDS)])
    for file in (busy, _ROOT / "templates" / "parse" / FILE):
        shown, said, status = sysdig.raw("-r", file, "-H", watching.library, "-p", form)
        assert status == 0, said
        theirs = {int(line.split("|")[0]): line.split("|")[1:] for line in shown.splitlines()}
        ours = rows_of(watching.library, file)
        assert len(theirs) >= 30
        for number, values in theirs.items():
            assert dict(zip(FIELDS, ours[number], strict=True)) == dict(
                zip(FIELDS, values, strict=True)
            ), f"event {number}"
        assert ours.keys() == theirs.keys()


def test_state_is_parsed_before_the_capture_is_open_and_not_shown(
    watching: Author, busy: Path
) -> None:
    """A10"""
    reports, code = replay(watching.library, busy)
    assert code == 0
    parsed = [r["message"] for r in of_kind(reports, "log") if r["message"].startswith("parsed")]
    assert parsed[0].startswith("parsed 1:402:tick:0 3:402:tick:1 4:307::1 ")
    numbers = [report["number"] for report in of_kind(reports, "event")]
    with open_capture(busy) as capture:
        hidden = {event.number for event in capture if event.leading or event.state_only}
    assert hidden == {1, 46}
    assert hidden.isdisjoint(numbers)
    [closed] = of_kind(reports, "closed")
    assert closed["reason"] == "eof"
    assert closed["events"] == len(numbers)
    assert closed["stored"] == len(numbers) + len(hidden)
    first = of_kind(reports, "event")[0]
    assert (first["type"], first["text"]) == ("read", "res=1 data=x fd=0 size=1")
    assert of_kind(reports, "stats")[-1]["system_calls"]["clone"]["count"] > 5


@pytest.mark.host
def test_a_recording_that_begins_with_async_events_is_shown_whole(
    sysdig: Sysdig, baseline: Baseline, tmp_path: Path
) -> None:
    """A9"""
    file = tmp_path / "async.scap"
    options = RunOptions(
        library=baseline.async_only, init_config='{"async":9}', limit=9, record=file
    )
    with Runner(options) as runner:
        assert len(of_kind(list(runner.reports()), "event")) == 9
    shown, said, status = sysdig.raw(
        "-r", file, "-H", baseline.async_only, "-p", "%evt.num %evt.type"
    )
    assert status == 0, said
    assert len(shown.splitlines()) == 9
    with open_capture(file) as capture:
        # First what dump_state left.
        assert [event.code for event in capture] == [402, 234, *[402] * 9]
    reports, _ = replay(baseline.async_only, file)
    assert [report["number"] for report in of_kind(reports, "event")] == list(range(3, 12))


def test_events_of_a_source_are_replayed_with_their_text(
    baseline: Baseline, tmp_path: Path
) -> None:
    file = tmp_path / "source.scap"
    options = {"library": baseline.source, "init_config": '{"async":0}'}
    with Runner(RunOptions(**options, open_params="7", record=file, fields="*")) as runner:
        live = of_kind(list(runner.reports()), "event")
    reports, code = replay(**options, file=file, fields="*")
    assert code == 0
    replayed = of_kind(reports, "event")
    # The first of the file is what dump_state left.
    assert [{**event, "number": event["number"] - 1} for event in replayed] == live
    assert len(replayed) == 7
    opened = of_kind(reports, "open")[0]
    assert (opened["source"], opened["replay"]) == (live[0]["source"], str(file))
    assert of_kind(reports, "stats")[-1]["plugin_events"]["count"] == 7


def test_a_replay_at_a_slow_pace_ends_at_once_when_stopped(watching: Author, busy: Path) -> None:
    with Runner(RunOptions(library=watching.library, replay=busy, speed=0.0001)) as runner:
        seen: list[Report] = []
        while not of_kind(seen, "event"):
            seen += runner.read(timeout=10)
        begin = time.monotonic()
        runner.stop()
        seen += list(runner.reports())
    assert time.monotonic() - begin < 5
    assert of_kind(seen, "closed")[0]["reason"] == "signal"
    assert len(of_kind(seen, "event")) < 10


def test_a_limit_ends_a_replay(watching: Author, busy: Path) -> None:
    reports, code = replay(watching.library, busy, limit=5)
    assert code == 0
    assert len(of_kind(reports, "event")) == 5
    assert of_kind(reports, "closed")[0]["reason"] == "limit"


def test_a_cut_capture_is_replayed_as_far_as_it_goes(
    watching: Author, busy: Path, tmp_path: Path
) -> None:
    file = tmp_path / "cut.scap"
    file.write_bytes(busy.read_bytes()[:-20])
    reports, code = replay(watching.library, file)
    assert code == 0
    said = [r["message"] for r in of_kind(reports, "log") if r["severity"] == "warning"]
    assert len(of_kind(reports, "event")) > 50
    assert any("truncated" in text or "ends" in text for text in said), said


def test_a_file_that_is_no_capture_is_an_error(watching: Author, tmp_path: Path) -> None:
    file = tmp_path / "no.scap"
    file.write_bytes(b"nothing of the kind")
    reports, _ = replay(watching.library, file)
    [error] = of_kind(reports, "error")
    assert error["phase"] == "replay"
    assert "no.scap" in error["message"]


def falcokit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "falcokit", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_run_shows_a_replay_and_refuses_what_does_not_fit(watching: Author, busy: Path) -> None:
    done = falcokit("run", "-C", watching.root, "--replay", busy, "--fields", "t.all", "-n", "2")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == f"replaying {busy}"
    assert " of 78 " in done.stderr or "(limit)" in done.stderr
    first = done.stdout.splitlines()[0]
    assert first.split()[2] == "read"
    assert '  res=1 data=x fd=0 size=1  t.all="1/1/0/init ' in first
    dev = falcokit("dev", "-C", watching.root, "--replay", busy)
    assert dev.returncode == 0, dev.stderr
    assert f"replaying {busy}" in dev.stderr
    for wrong, words in (
        (("--replay", "no.scap"), "no such file"),
        (("--replay", busy, "--record", "x.scap"), "--record"),
        (("--replay", busy, "--open-params", "x"), "--open-params"),
        (("--speed", "2"), "--speed is the pace of a replay"),
    ):
        for command in ("run", "dev"):
            refused = falcokit(command, "-C", watching.root, *wrong)
            assert (refused.returncode, words in refused.stderr) == (3, True), refused.stderr
    alone = falcokit("run", watching.library, "--replay", busy, "-n", "1", "--speed", "1000")
    assert alone.stdout.split()[:3] == ["2", *first.split()[1:3]]
    assert falcokit("run", watching.library, "--speed", "1").returncode == 3
    no = falcokit("run", "-C", watching.root, "--replay", Path(__file__))
    assert no.returncode == 1
    assert "the capture could not be replayed" in no.stderr


def test_ctrl_c_ends_a_replay_in_an_orderly_way(watching: Author, busy: Path) -> None:
    command = [sys.executable, "-m", "falcokit", "run", "-C", str(watching.root)]
    with subprocess.Popen(
        [*command, "--replay", str(busy), "--speed", "0.001"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert "read" in child.stdout.readline()
        begin = time.monotonic()
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=20)
    assert child.returncode == 130, said
    assert "stored events (signal)" in said
    assert "parsed 1:402:tick:0 " in said  # capture_close was called
    assert time.monotonic() - begin < 5


def test_dev_replays_again_after_each_save(watching: Author, busy: Path) -> None:
    command = [sys.executable, "-m", "falcokit", "dev", "-C", str(watching.root), "--watch"]
    with subprocess.Popen(
        [*command, "--json", "--replay", str(busy)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        closed = []
        for line in child.stdout:
            report = json.loads(line)
            if report["report"] == "ended":
                if len(closed) == 2:
                    break
                watching.file.write_text(watching.file.read_text() + "\n")
            elif report["report"] == "closed":
                closed.append((report["reason"], report["events"]))
        child.send_signal(signal.SIGINT)
        child.stdout.read()
    assert closed == [("eof", 73)] * 2


def test_a_project_names_its_capture(watching: Author, busy: Path) -> None:
    settings = watching.root / "pyproject.toml"
    before = settings.read_text()
    settings.write_text(f"{before}replay = {json.dumps(str(busy))}\n")
    try:
        done = falcokit("run", "-C", watching.root, "-n", "1")
        assert f"replaying {busy}" in done.stderr
        kept = falcokit("run", "-C", watching.root, "--duration", "0.1", "--record", "/dev/null")
        assert "running, source syscall" in kept.stderr
    finally:
        settings.write_text(before)


@pytest.mark.once
def test_the_templates_have_the_capture_that_its_program_writes() -> None:
    for folder in FOLDERS:
        assert (_ROOT / folder / FILE).read_bytes() == template_capture(folder)


def test_the_second_section_of_a_file_begins_anew(watching: Author, tmp_path: Path) -> None:
    one, file = tmp_path / "one.scap", tmp_path / "two.scap"
    with CaptureWriter(one, compress=False) as writer:
        writer.event(3, [b"\x05" + bytes(7), b"name\0"], ts_ns=10**18, tid=5)
    file.write_bytes(one.read_bytes() * 2)
    rows = rows_of(watching.library, file)
    assert [values[2] for values in rows.values()] == ["5,16,0,./name,name,0,0,0"] * 2
    assert [values[0].rpartition(" ")[2] for values in rows.values()] == ["seen=0", "seen=0"]


@pytest.mark.host
def test_real_captures_are_replayed(real_host: RealHost, watching: Author) -> None:
    """Old ones as stored: nothing of them ends a replay."""
    del real_host
    for file in sorted((_ROOT / "tests" / "capture" / "samples").glob("*.scap")):
        reports, code = replay(watching.library, file, stats_ms=60_000, rows="t.fds")
        assert code == 0, (file, of_kind(reports, "error"))
        assert of_kind(reports, "closed")[0]["events"] > 0, file
