# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect` on terminals of every kind, and into pipes that nobody reads to their end."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.inspect_runs import CURL, inspect, on_terminal, start
from rich.cells import cell_len

EVERYTHING = [
    (),
    ("--events",),
    ("--processes",),
    ("--fds",),
    ("--users",),
    ("--stats", "--type", "open"),
    ("--diff", CURL, "evt.type=open"),
]


@pytest.mark.parametrize("width", [20, 60, 200])
@pytest.mark.parametrize("options", EVERYTHING, ids=str)
def test_no_line_is_wider_than_the_terminal(options: tuple[object, ...], width: int) -> None:
    screen = on_terminal(CURL, *options, width=width)
    assert screen.returncode == 0
    assert len(screen.lines) > 3
    assert max(map(cell_len, screen.lines)) <= width


def test_a_summary_is_one_screen_and_lists_are_whole() -> None:
    assert len(on_terminal(CURL, height=24).lines) <= 22
    assert len(on_terminal(CURL, "--processes", height=24).lines) == 56  # with a title and a head
    assert len(on_terminal(CURL, "--events", height=24).lines) == 1537


def test_the_plot_of_rates_is_for_terminals_only() -> None:
    bars = set("▁▂▃▄▅▆▇█")
    lines = on_terminal(CURL, height=60).lines
    (at,) = [n for n, line in enumerate(lines) if line.startswith("  Rate ")]
    assert set(lines[at + 1].strip()) <= bars | {" "}
    assert "█" in lines[at + 1]
    assert lines[at + 1].index(lines[at + 1].strip()[0]) == lines[at].index("at most")
    assert not bars & set(inspect(CURL).stdout)
    (row,) = [line for line in inspect(CURL).stdout.splitlines() if line.startswith("  Rate ")]
    assert row == lines[at]


def test_colour_can_be_refused() -> None:
    coloured = on_terminal(CURL, height=60)
    plain = on_terminal(CURL, height=60, NO_COLOR="1")
    assert "\x1b[3" in coloured.raw
    assert "\x1b[3" not in plain.raw
    assert plain.lines == coloured.lines
    dumb = on_terminal(CURL, TERM="dumb")
    assert "\x1b" not in dumb.raw
    assert dumb.lines == inspect(CURL).stdout.splitlines()


@pytest.mark.parametrize(
    "options", [("--events",), ("--jsonl",), ("--events", "--type", "open", "--type", "procinfo")]
)
def test_a_reader_that_goes_away_ends_it_without_a_word(options: tuple[str, ...]) -> None:
    with start(CURL, *options) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 141


def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        for options in ((), ("--events",), ("--json",)):
            done = start(CURL, *options, stdout=full)
            _, error = done.communicate(timeout=30)
            assert done.returncode == 1
            assert error.startswith(b"error: stdout cannot be written: ")
