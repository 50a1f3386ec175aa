# SPDX-License-Identifier: Apache-2.0
"""`falcokit inspect` as a person and as a pipe see it."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from falcokit.capture import summarize
from falcokit.cli.format import duration_text, size_text
from falcokit.cli.inspect.report import build_report
from falcokit.cli.inspect.screen import show

CAPTURE_TESTS = Path(__file__).parents[1] / "capture"
CURL = CAPTURE_TESTS / "samples" / "curl_google.scap"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(CAPTURE_TESTS)
    from scap_builder import Builder

    return Builder()


@pytest.fixture
def hostile(build: Any, tmp_path: Path) -> Path:
    path = tmp_path / "hostile\x1b[31m.scap"
    payload = "[bold red]\x1b[2J\x9b1m\u202e[/]".encode()
    path.write_bytes(
        build.section()
        + build.machine(b"\x1b]0;owned\x07host")
        + build.plugin_event(3, payload)
        + build.async_event(b"\x1b[1mtick", payload)
        + b"\1\2"
    )
    return path


def inspect(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "falcokit", "inspect", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env=os.environ | env,
        timeout=60,
        check=False,
    )


def on_screen(path: Path, *, width: int = 100, height: int = 40) -> str:
    file = io.StringIO()
    console = Console(
        file=file, width=width, height=height, force_terminal=True, markup=False, highlight=False
    )
    show(build_report(summarize(path)), console)
    return file.getvalue()


def test_a_pipe_gets_plain_aligned_text_with_every_type() -> None:
    done = inspect(CURL)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert "1,536 stored" in done.stdout
    rows = done.stdout.partition("Event types\n")[2].splitlines()
    assert len(rows) == 42  # titles and 41 names
    assert len({row.index("%") for row in rows[1:]}) == 1


def test_a_terminal_shows_one_screen() -> None:
    for height in (24, 40, 60):
        screen = COLOUR.sub("", on_screen(CURL, height=height)).splitlines()
        assert len(screen) <= height - 2
        assert max(map(len, screen)) <= 100
        assert ("more; a pipe or --json shows all" in screen[-1]) is (height < 60)


def test_nothing_hostile_reaches_a_terminal(hostile: Path) -> None:
    screen = COLOUR.sub("", on_screen(hostile))
    assert all(char.isprintable() or char == "\n" for char in screen)
    assert "[bold red]\\x1b[2J" in screen  # shown as it is, not taken for markup
    assert "\\x1b[1mtick" in screen


@pytest.mark.parametrize("arguments", [(), ("-n", "9"), ("--json", "-n", "9")])
def test_nothing_hostile_reaches_a_pipe(hostile: Path, arguments: tuple[str, ...]) -> None:
    done = inspect(hostile, *arguments)
    assert done.returncode == 0
    for text in (done.stdout, done.stderr):
        assert all(char.isprintable() or char == "\n" for char in text)


def test_damage_is_a_warning_on_stderr_and_no_failure(hostile: Path) -> None:
    done = inspect(hostile)
    assert done.returncode == 0
    assert done.stderr.startswith("warning: the last block ends after 2 of 8 bytes")
    assert done.stderr.count("\n") == 1


def test_n_lists_the_first_events(build: Any, tmp_path: Path) -> None:
    path = tmp_path / "ticks.scap"
    ticks = [build.async_event(b"tick", b"n=%d" % n, plugin_id=9) for n in range(5)]
    path.write_bytes(build.section() + build.plugin_event(9, b"") + b"".join(ticks))
    lines = inspect(path, "-n", "3").stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:5] == ["1", "2023-11-14", "22:13:20.000000000", "0", "(-)"]
    assert lines[0].split()[5:] == [">", "pluginevent", "plugin_id=9", "event_data=NULL"]
    assert lines[2].split()[-5:] == [">", "tick", "plugin_id=9", "name=tick", "data=n=1"]


def test_n_does_not_read_beyond_what_it_lists(build: Any, tmp_path: Path) -> None:
    path = tmp_path / "early.scap"
    path.write_bytes(build.section() + build.plugin_event(9, b"x") + bytes(64))
    assert inspect(path, "-n", "1").stderr == ""
    assert "impossible length" in inspect(path).stderr


@pytest.mark.parametrize(
    ("number", "size", "duration"),
    [
        (999, "999 bytes", "999 ns"),
        (1_000, "1 kB", "1 us"),
        (999_499, "999 kB", "999 us"),
        (999_500, "1 MB", "1 ms"),
        (999_900_000, "1 GB", "1.00 s"),
    ],
)
def test_a_number_takes_the_next_unit_when_it_rounds_up_to_it(
    number: int, size: str, duration: str
) -> None:
    assert (size_text(number), duration_text(number)) == (size, duration)


def test_json_is_one_document_with_a_version() -> None:
    document = json.loads(inspect(CURL, "--json").stdout)
    assert document["version"] == 1
    assert document["events"]["count"] == 1536
    assert "listed" not in document
    document = json.loads(inspect(CURL, "--json", "-n", "2").stdout)
    assert document["events"]["count"] == 1536
    assert [event["type"] for event in document["listed"]] == ["procinfo", "procinfo"]


def test_a_file_that_is_no_capture_fails_with_one_sentence_and_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a capture, surely\n")
    for file in (path, tmp_path / "missing.scap", tmp_path):
        done = inspect(file)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 2
        assert "Traceback" not in done.stderr


def test_an_ascii_locale_gets_escapes_instead_of_a_failure(build: Any, tmp_path: Path) -> None:
    path = tmp_path / "umlaut.scap"
    path.write_bytes(build.section() + build.async_event("größe".encode(), "ä".encode()))
    done = inspect(path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "gr\\xf6\\xdfe" in done.stdout


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_real_terminal_gets_colour_unless_it_refuses(no_color: str, coloured: bool) -> None:
    env = os.environ | {"TERM": "xterm-256color", "NO_COLOR": no_color, "COLUMNS": "100"}
    if not no_color:
        del env["NO_COLOR"]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "falcokit", "inspect", str(CURL)]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        output = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how a terminal tells that nobody writes any more
                break
            if not piece:
                break
            output += piece
    os.close(ours)
    assert process.returncode == 0
    assert b"1,536 stored" in output
    assert (b"\x1b[36m" in output) is coloured
