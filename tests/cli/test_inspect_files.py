# SPDX-License-Identifier: Apache-2.0
"""Captures from anywhere, and what is written of them: tables, smaller captures, comparisons."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from capture.scap_builder import Builder
from cli.inspect_runs import CURL, SAMPLES, inspect, on_terminal

from falcokit.capture import open_capture
from falcokit.capture.event_document import event_object
from falcokit.native.process import run

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Baseline, RealHost

    from falcokit.capture import Event

NASTY = "n\x1b[31m\x9b\u202e,\"'\n"


def events_of(file: Path, *types: str) -> list[Event]:
    with open_capture(file) as capture:
        return [event for event in capture if not types or event.type in types]


def content(event: Event) -> tuple[Any, ...]:
    return (event.ts_ns, event.tid, event.cpu, event.code, event.params, event.dump_flags)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    build = Builder()
    path = tmp_path / "hostile.scap"
    path.write_bytes(
        build.section()
        + build.machine()
        + build.plugin_event(7, b"\xff\0")
        + build.async_event(NASTY.encode() + b"\xff", NASTY.encode())
        + build.event(3, [build.pack("q", 3), NASTY.encode() + b"\xff\0", bytes(4), bytes(4)])
        + build.event(999, [b"?"], tid=2**63 + 5)
    )
    return path


# ---- tables -------------------------------------------------------------------------------------


def test_a_table_has_the_events_of_the_choice(tmp_path: Path) -> None:
    target = tmp_path / "open.CSV"
    done = inspect(CURL, "--export", target, "evt.type=open and evt.dir=<")
    assert (done.returncode, done.stdout) == (0, f"{target}\n")
    assert done.stderr == "48 events written\n"
    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = [event for event in events_of(CURL, "open") if event.code == 3]
    assert len(rows) == len(wanted) == 48
    for row, event in zip(rows, wanted, strict=True):
        assert (int(row["number"]), int(row["ts_ns"])) == (event.number, event.ts_ns)
        assert json.loads(row["args"]) == event_object(event)["args"]
        assert (row["tid"], row["type"], row["direction"]) == (str(event.tid), "open", "<")
        assert (row["plugin_id"], row["data"]) == ("", "")


def test_a_table_holds_what_a_hostile_capture_has(hostile: Path, tmp_path: Path) -> None:
    target = tmp_path / "hostile.csv"
    assert inspect(hostile, "--export", target).returncode == 0
    with target.open(newline="", encoding="utf-8") as file:
        plugin, asynchronous, opened, unknown = csv.DictReader(file)
    assert (plugin["plugin_id"], plugin["data_base64"]) == ("7", "/wA=")
    assert asynchronous["data"] == NASTY
    assert json.loads(opened["args"])["name"].startswith("n\x1b[31m")
    assert (unknown["type"], unknown["tid"]) == ("unknown-999", str(2**63 + 5 - 2**64))


@pytest.mark.parametrize("name", ["curl_google", "hostile"])
def test_a_parquet_table_is_the_csv_table_with_types(
    hostile: Path, tmp_path: Path, name: str
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    source = hostile if name == "hostile" else CURL
    assert inspect(source, "--export", tmp_path / "t.csv").returncode == 0
    done = inspect(source, "--export", tmp_path / "t.parquet")
    assert (done.returncode, done.stderr.endswith(" events written\n")) == (0, True)
    rows = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        texts = list(csv.DictReader(file))
    as_text = [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]
    assert as_text == texts
    assert isinstance(rows[0]["ts_ns"], int)
    assert rows[0]["state_only"] is False


@pytest.mark.parametrize("name", ["x.txt", "x", ".csv", "x.csv.gz"])
def test_an_unknown_kind_of_table_is_refused(tmp_path: Path, name: str) -> None:
    done = inspect(CURL, "--export", tmp_path / name)
    assert (done.returncode, done.stdout) == (3, "")
    assert "a table is a .csv or a .parquet file" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["x.csv", "x.scap", "x.parquet"])
def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, target: str) -> None:
    if target == "x.parquet":
        pytest.importorskip("pyarrow")
    option = "--cut" if target == "x.scap" else "--export"
    (tmp_path / f"folder{target}").mkdir()
    os.mkfifo(tmp_path / f"pipe{target}")
    before = sorted(tmp_path.iterdir())
    for path in (tmp_path / "no" / target, *before):
        done = inspect(CURL, option, path)
        assert (done.returncode, done.stdout) == (1, "")
        first, hint = done.stderr.splitlines()
        assert first.startswith(f"error: {path} cannot be written: ")
        assert hint.startswith("hint: take another ")
    assert sorted(tmp_path.iterdir()) == before


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("old.csv")
    assert inspect(CURL, "--export", tmp_path / "link.csv", "-n", "1").returncode == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "old.csv").read_text().startswith("number,ts_ns,")


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


# ---- where captures come from -------------------------------------------------------------------


def test_standard_input_is_a_capture_like_any_other(tmp_path: Path) -> None:
    packed = CURL.read_bytes()
    for data in (packed, gzip.decompress(packed)):
        done = inspect("-", "-n", "3", "evt.type=open", stdin=data)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == inspect(CURL, "-n", "3", "evt.type=open").stdout
    assert json.loads(inspect("-", "--json", stdin=packed).stdout)["events"]["count"] == 1536
    done = inspect("-", stdin=b"")
    assert (done.returncode, done.stdout) == (1, "")


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe.scap"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(CURL.read_bytes(),))
    writer.start()
    done = inspect(path, "--json")
    writer.join()
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["events"]["count"] == 1536


def test_several_files_are_shown_one_after_the_other() -> None:
    files = sorted(SAMPLES.glob("*.scap"))
    done = inspect(*files)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(inspect(file).stdout for file in files)


@pytest.mark.parametrize(
    "options", [(), ("--events",), ("--jsonl",), ("--processes",), ("--json",), ("--stats",)]
)
def test_a_damaged_file_is_shown_with_a_warning(tmp_path: Path, options: tuple[str, ...]) -> None:
    whole = gzip.decompress(CURL.read_bytes())
    path = tmp_path / "cut.scap"
    path.write_bytes(whole[: len(whole) // 2 + 1])
    done = inspect(path, *options)
    assert done.returncode == 0
    assert done.stdout
    assert done.stderr.startswith("warning: the last block ends after ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [(), ("--events",), ("--json",), ("--jsonl",)])
def test_what_is_no_capture_fails_before_any_output(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    path = tmp_path / "notes\x1b[1m.txt"
    path.write_text("not a capture")
    done = inspect(path, *options)
    assert done.returncode == 1
    assert "\x1b" not in done.stderr + done.stdout
    assert done.stderr.startswith("error: ")
    if "--json" in options:
        assert json.loads(done.stdout)["error"]["exit"] == 1
    else:
        assert done.stdout == ""


# ---- libraries ----------------------------------------------------------------------------------


def test_a_library_is_told_from_a_capture_by_its_content(
    baseline: Baseline, tmp_path: Path
) -> None:
    path = tmp_path / "named\x1b[1m.scap"
    path.write_bytes(baseline.source.read_bytes())
    done = inspect(path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "Plugin" in done.stdout
    assert "baseline.seq" in done.stdout
    found = json.loads(inspect(path, "--json").stdout)
    assert (found["kind"], found["version"]) == ("library", 1)


@pytest.mark.parametrize("option", [("--events",), ("--jsonl",), ("evt.type=x",), ("--users",)])
def test_a_library_has_no_events(baseline: Baseline, option: tuple[str, ...]) -> None:
    done = inspect(baseline.source, *option)
    assert (done.returncode, done.stdout) == (3, "")
    assert "is a library or an artifact, not a capture" in done.stderr


# ---- where it goes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [("--events",), ("--jsonl",), ("--processes",), ("--json",), ("--stats",), ()]
)
def test_nothing_hostile_leaves(hostile: Path, options: tuple[str, ...]) -> None:
    done = inspect(hostile, *options)
    assert done.returncode == 0
    assert all(char.isprintable() or char == "\n" for char in done.stdout + done.stderr)
    screen = on_terminal(hostile, *options)
    assert all(line.isprintable() for line in screen.lines)
    assert "\x1b[31m" not in screen.raw
