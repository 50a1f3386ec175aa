# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect --follow`: every event is out before the next one is waited for."""

from __future__ import annotations

import gzip
import json
import signal
from typing import TYPE_CHECKING

import pytest
from capture.scap_builder import Builder
from cli.inspect_runs import CURL, inspect, start
from words_capture import PLUGIN, WORDS_ID, write_words

from falcokit.capture.lists.processes import Process
from falcokit.capture.writer import CaptureWriter
from tools.template_capture import event_params

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from conftest import CompileC

T0 = 1_700_000_000_000_000_000
OPENAT = 307


def line_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode()


def stop(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("suffix", [".scap", ".scap.gz"])
def test_events_are_shown_as_they_are_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"growing{suffix}"
    with CaptureWriter(path) as capture:
        capture.async_event("tick", b"n=1", ts_ns=T0, plugin_id=9)
        capture.flush()
        with start(path, "--follow") as process:
            assert line_of(process).endswith("name=tick data=n=1\n")
            for number in (2, 3):
                capture.async_event("tick", b"n=%d" % number, ts_ns=T0, plugin_id=9)
                capture.flush()
                assert line_of(process).split()[0] == str(number)
            assert stop(process) == (130, "", "")


def test_a_followed_file_is_filtered_and_comes_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "growing.scap"
    with CaptureWriter(path) as capture:
        capture.flush()
        capture.plugin_event(9, b"first", ts_ns=T0)
        capture.flush()
        with start(path, "--follow", "--jsonl", "--type", "tick") as process:
            for data in (b"a", b"b"):
                capture.plugin_event(9, data, ts_ns=T0)
                capture.async_event("tick", data, ts_ns=T0)
                capture.flush()
                found = json.loads(line_of(process))
                assert (found["name"], found["data"]) == ("tick", data.decode())
            assert stop(process) == (130, "", "")


def test_n_ends_the_waiting(tmp_path: Path) -> None:
    path = tmp_path / "growing.scap"
    path.write_bytes(gzip.decompress(CURL.read_bytes()))
    done = inspect(path, "--follow", "-n", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == inspect(path, "-n", "3").stdout
    assert done.stdout.count("\n") == 3


def test_a_followed_file_that_goes_away_ends_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "gone.scap"
    build = Builder()
    path.write_bytes(build.section() + build.plugin_event(9, b"x"))
    with start(path, "--follow") as process:
        assert line_of(process).endswith("event_data=x\n")
        path.unlink()
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, b"")
    assert err.startswith(b"warning: the file was removed while it was followed")


def test_the_fields_of_a_plugin_come_with_each_event(tmp_path: Path, compile_c: CompileC) -> None:
    library = compile_c("libwords.so", [PLUGIN])
    path = write_words(tmp_path, "a b=1")
    with start(path, "--follow", "--plugin", library) as process:
        assert " words.count=2 " in line_of(process)
        with path.open("ab") as file:
            file.write(Builder().plugin_event(WORDS_ID, b"one two three"))
        assert " words.count=3 " in line_of(process)
        assert stop(process) == (130, "", "")


def test_time_counts_from_an_event_that_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "new.scap"
    path.write_bytes(Builder().section())
    done = inspect(path, "--follow", "--time", "+1..")
    assert done.returncode == 3
    assert done.stderr.startswith(f"error: {path} has no event with a time")


def test_alerts_come_as_events_are_written(tmp_path: Path) -> None:
    path, rules = tmp_path / "growing.scap", tmp_path / "r.yaml"
    rules.write_text(
        "- rule: Opened\n  desc: d\n  condition: evt.type = openat and proc.name = cat\n"
        "  output: '%fd.name'\n  priority: INFO\n"
    )
    with CaptureWriter(path) as capture:
        capture.processes([Process(tid=5, pid=5, comm="cat", cwd="/home")])
        capture.flush()
        with start(path, "--follow", "--rules", rules) as process:
            for name in ("a", "b"):
                params = event_params(OPENAT, fd=3, dirfd=-100, name=name)
                capture.event(OPENAT, params, ts_ns=T0, tid=5)
                capture.flush()
                assert line_of(process).endswith(f" /home/{name}  (rule Opened)\n")
            code, out, err = stop(process)
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "alerts: Opened 2"
