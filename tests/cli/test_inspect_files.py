# SPDX-License-Identifier: Apache-2.0
"""Captures from anywhere, the tables that are written of them, and libraries."""

from __future__ import annotations

import csv
import gzip
import json
import os
import threading
from typing import TYPE_CHECKING

import pytest
from capture.scap_builder import Builder
from cli.inspect_runs import CURL, SAMPLES, events_of, inspect, on_terminal

from falcokit.capture.render.event_document import event_object

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Baseline


NASTY = "n\x1b[31m\x9b\u202e,\"'\n"


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
    assert "--load asks it" in done.stdout
    found = json.loads(inspect(path, "--json").stdout)
    assert (found["kind"], found["version"]) == ("library", 1)
    loaded = inspect(path, "--load")
    assert "its code runs now" in loaded.stderr
    assert "\x1b" not in loaded.stdout + loaded.stderr
    assert "baseline.seq" in loaded.stdout


def test_a_capture_is_not_loaded() -> None:
    done = inspect(CURL, "--load")
    assert (done.returncode, done.stdout) == (3, "")
    assert "--load is for a plugin library" in done.stderr


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
