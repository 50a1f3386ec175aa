# SPDX-License-Identifier: Apache-2.0
"""Long work: the progress bar, Ctrl-C, and that what was found so far is shown."""

from __future__ import annotations

import json
import signal
import subprocess
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import pytest
from capture.scap_builder import Builder
from cli.inspect_runs import inspect, on_terminal, start

from falcokit.capture.writer import CaptureWriter

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 1150
BAR = "━"
#: More than a pipe holds: whoever has written that much knows that some of it was read.
MORE_THAN_A_PIPE = 1 << 20


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture that is just large enough for a progress bar."""
    path = tmp_path_factory.mktemp("big") / "big.scap"
    with CaptureWriter(path) as capture:
        for number in range(EVENTS):
            data = b"%07d " % number + bytes(60_000)
            capture.plugin_event(999, data, ts_ns=1_700_000_000_000_000_000 + number)
    assert path.stat().st_size > 64 << 20
    return path


def test_a_large_file_has_a_progress_bar_that_leaves_nothing(big: Path) -> None:
    screen = on_terminal(big, height=40)
    assert screen.returncode == 0
    assert BAR in screen.raw
    assert screen.raw.index(BAR) < screen.raw.index("1,150 stored")
    assert not any("MB" in line and BAR in line for line in screen.lines)
    assert screen.lines[0].endswith("big.scap")
    assert screen.raw.count("\x1b[?25l") == screen.raw.count("\x1b[?25h") == 1


@pytest.mark.parametrize(
    "options", [("--json",), ("--stats", "--type", "pluginevent"), ("--users",), ("--tail", "2")]
)
def test_beside_a_bar_data_goes_where_it_should(
    big: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with (tmp_path / "out").open("wb") as stdout:
        screen = on_terminal(big, *options, stdout=stdout)
    assert BAR in screen.raw
    assert (screen.returncode, screen.lines) == (0, [])
    assert (tmp_path / "out").read_text() == inspect(big, *options).stdout != ""


@pytest.mark.parametrize("option", ["--export", "--cut"])
def test_writing_a_file_has_a_bar_too(big: Path, tmp_path: Path, option: str) -> None:
    target = tmp_path / ("events.csv" if option == "--export" else "events.scap")
    screen = on_terminal(big, option, target, width=200)
    assert BAR in screen.raw
    assert (screen.returncode, screen.lines) == (0, ["1,150 events written", str(target)])


def test_no_color_has_a_bar_without_colour(big: Path) -> None:
    screen = on_terminal(big, NO_COLOR="1")
    assert BAR in screen.raw
    assert "\x1b[3" not in screen.raw


def test_a_pipe_has_no_bar(big: Path) -> None:
    assert inspect(big).stderr == ""


@pytest.fixture
def stream() -> bytes:
    """A capture as it comes through a pipe, with a list at its head and no end."""
    build = Builder()
    users = build.block(0x206, b"\1" + build.pack("IH", 7, 5) + b"staff")
    event = build.async_event(b"tick", b"x" * 1000)
    return build.section() + users + event * (MORE_THAN_A_PIPE // len(event))


def interrupted(stream: bytes, *arguments: str) -> tuple[int, str, str]:
    """Let the command read from a pipe that stays open, then press Ctrl-C."""
    with (
        TemporaryFile() as out,
        start("-", *arguments, stdin=subprocess.PIPE, stdout=out) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(stream)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        error = process.stderr.read().decode()
        process.wait(timeout=30)
        out.seek(0)
        return process.returncode, out.read().decode(), error


def test_interrupted_rules_show_the_alerts_until_then(tmp_path: Path) -> None:
    rules = tmp_path / "r.yaml"
    rules.write_text(
        "- rule: Tick\n  desc: d\n  condition: evt.num > 1\n  output: o\n  priority: INFO\n"
    )
    build = Builder()
    ticks = build.async_event(b"tick", b"x" * 1000) * (MORE_THAN_A_PIPE // 1000)
    stream = build.section() + build.event(7, [b"\0" * 8, b""], tid=5) + ticks
    code, out, err = interrupted(stream, "--rules", str(rules), "--json")
    found = json.loads(out)
    assert (code, err) == (130, "interrupted; this is what was found so far\n")
    assert len(found["alerts"]) == found["rules"]["Tick"]["alerts"] > 0


def test_an_interrupted_summary_shows_what_was_found(stream: bytes) -> None:
    code, out, err = interrupted(stream)
    assert (code, err) == (130, "interrupted; this is what was found so far\n")
    assert "Async events\n" in out
    code, out, err = interrupted(stream, "--json")
    assert code == 130
    assert 0 < json.loads(out)["events"]["count"] <= stream.count(b"tick")


def test_an_interrupted_tail_shows_the_last_events_so_far(stream: bytes) -> None:
    code, out, err = interrupted(stream, "--tail", "3")
    assert (code, err) == (130, "interrupted; this is what was found so far\n")
    numbers = [int(line.split()[0]) for line in out.splitlines()]
    assert len(numbers) == 3
    assert numbers == list(range(numbers[0], numbers[0] + 3))


def test_interrupted_lists_are_shown_as_far_as_they_were_read(stream: bytes) -> None:
    code, out, _ = interrupted(stream, "--users")
    assert code == 130
    assert out.splitlines()[2].split() == ["group", "7", "-", "staff", "-", "-"]


def test_an_interrupted_listing_ends_with_a_whole_line(stream: bytes) -> None:
    code, out, err = interrupted(stream, "--events")
    assert (code, err) == (130, "")
    assert out.endswith("\n")
    assert all(line.split()[0] == str(n) for n, line in enumerate(out.splitlines(), 1))


@pytest.mark.parametrize("target", ["out.csv", "out.scap"])
def test_an_interrupted_file_is_not_left_half_written(
    stream: bytes, tmp_path: Path, target: str
) -> None:
    option = "--export" if target.endswith("csv") else "--cut"
    code, out, _ = interrupted(stream, option, str(tmp_path / target))
    assert (code, out) == (130, "")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_comparison_shows_what_was_found(stream: bytes, tmp_path: Path) -> None:
    other = tmp_path / "other.scap"
    other.write_bytes(stream)
    code, out, err = interrupted(stream, "--diff", str(other))
    assert (code, err) == (130, "interrupted; this is what was found so far\n")
    assert "the same events in the same order so far\n" in out
    other.write_bytes(stream.replace(b"tick", b"tock"))
    code, out, err = interrupted(stream, "--diff", str(other), "--json")
    found = json.loads(out)
    assert (code, found["complete"], found["same"]) == (130, False, False)
    assert [event["name"] for event in found["differs_at"]] == ["tick", "tock"]
    first, second = found["events"]
    assert 0 < first <= stream.count(b"tick")
    assert first - second in {0, 1}
