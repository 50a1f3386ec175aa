# SPDX-License-Identifier: Apache-2.0
"""`falcokit dev` on a real pseudo terminal: the screen, saves, and that all is left as found."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30.0
ALTERNATE_ON, ALTERNATE_OFF = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_OFF, CURSOR_ON = "\x1b[?25l", "\x1b[?25h"
# A new session does not own its terminal until it asks for it; Ctrl-C needs the owner.
LAUNCH = (
    "import fcntl, os, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


def _without_size() -> dict[str, str]:
    """This environment: what it says of a terminal's size goes before what the terminal says."""
    return {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}


class Terminal:
    """A terminal with `falcokit dev` in it, in which all panes are side by side."""

    def __init__(self, *arguments: str) -> None:
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.written = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, "-m", "falcokit", "dev", *arguments],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            env={**_without_size(), "TERM": "xterm-256color", "PYTHONUTF8": "1"},
        )

    def text(self) -> str:
        """What was written so far, without the escape sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.written)

    def wait_for(self, pattern: str, *, since: int = 0) -> int:
        """Read until the pattern appears in the text after `since`; give where it ended."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.compile(pattern).search(self.text(), since)):
            self.read(deadline)
        return found.end()

    def read(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        assert left > 0, self.text()[-3000:]
        if select.select([self.master], [], [], min(left, 0.1))[0]:
            self.written += os.read(self.master, 65536).decode("utf-8", "replace")

    def runners(self) -> list[int]:
        """The processes that the command started."""
        return [pid for pid, parent in parents().items() if parent == self.process.pid]

    def wait(self) -> tuple[int, float]:
        """Give the exit code and how long the end took; the terminal never blocks it."""
        begin = time.monotonic()
        while self.process.poll() is None:
            self.read(begin + SECONDS)
        took = time.monotonic() - begin
        while select.select([self.master], [], [], 0.05)[0]:
            self.read(time.monotonic() + 1)
        return self.process.returncode, took

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            os.close(self.master)
        os.close(self.slave)


def parents() -> dict[int, int]:
    """Every process and its parent."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except OSError:
                continue
            found[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def terminal(project: Path) -> Iterator[Terminal]:
    opened = Terminal("--watch", "-C", str(project))
    try:
        yield opened
    finally:
        opened.close()


def assert_left_as_found(terminal: Terminal) -> None:
    assert terminal.written.count(ALTERNATE_ON) == 1
    assert terminal.written.rindex(ALTERNATE_OFF) > terminal.written.rindex(ALTERNATE_ON)
    assert terminal.written.rindex(CURSOR_ON) > terminal.written.rindex(CURSOR_OFF)
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert "Traceback" not in terminal.text()


@pytest.mark.python
@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("ctrl-c", 130),
        ("q", 0),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGINT, 130),
    ],
    ids=str,
)
def test_every_end_takes_two_seconds_at_most_and_restores_the_terminal(
    terminal: Terminal, how: str | signal.Signals, code: int
) -> None:
    terminal.wait_for(r"\d+ ms +\d+ ms")
    (runner,) = terminal.runners()
    if isinstance(how, signal.Signals):
        terminal.process.send_signal(how)
    else:
        os.write(terminal.master, b"\x03" if how == "ctrl-c" else b"q")
    returncode, took = terminal.wait()
    assert returncode == code
    assert took < 2.0
    assert not is_alive(runner)
    assert_left_as_found(terminal)
    assert "load-watch 0.1.0, run 1: load_watch_load" in terminal.text()


def test_a_terminal_that_is_closed_ends_the_command(terminal: Terminal) -> None:
    terminal.wait_for(r"\d+ ms +\d+ ms")
    (runner,) = terminal.runners()
    os.close(terminal.master)
    assert terminal.process.wait(timeout=2.0) == 129
    assert not is_alive(runner)


def test_an_impatient_second_ctrl_c_does_not_hurt(terminal: Terminal) -> None:
    terminal.wait_for(r"\d+ ms +\d+ ms")
    for _ in range(5):
        os.write(terminal.master, b"\x03")
    returncode, _ = terminal.wait()
    assert returncode == 130
    assert_left_as_found(terminal)


def test_a_killed_command_leaves_no_orphan(terminal: Terminal) -> None:
    terminal.wait_for(r"\d+ ms +\d+ ms")
    (runner,) = terminal.runners()
    terminal.process.kill()
    terminal.process.wait()
    deadline = time.monotonic() + SECONDS
    while is_alive(runner):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.python
def test_the_screen_shows_the_events_and_the_log(terminal: Terminal) -> None:
    terminal.wait_for(r"load-watch 0\.1\.0")
    terminal.wait_for(r"load_watch_load +[1-9]")
    assert "\\u" not in terminal.written
    terminal.wait_for(r'\{"load":')
    terminal.wait_for(r"info +load counts as high from 4\.00 on")
    terminal.wait_for(r"source syscall")
    terminal.wait_for(r"cpu \d+\.\d %  rss \d+ MB")


@pytest.mark.python
def test_a_save_restarts_and_a_mistake_keeps_the_last_good_version(
    terminal: Terminal, project: Path
) -> None:
    seen = terminal.wait_for(r"\d+ ms +\d+ ms")
    (first,) = terminal.runners()
    code = project / "src" / "load_watch.py"
    good = code.read_text()

    code.write_text(good + "\ndef broken(:\n")
    line = len(good.splitlines()) + 2
    seen = terminal.wait_for(rf"load_watch\.py:{line}: ", since=seen)
    seen = terminal.wait_for("running the last good version", since=seen)
    assert first in terminal.runners()

    code.write_text(good.replace("counts as high", "is called high"))
    seen = terminal.wait_for(r"load is called high from", since=seen)
    terminal.wait_for(r"load_watch\.py +\d+ ms +\d+ ms +run 2", since=seen)
    assert not is_alive(first)


def test_what_the_plugin_prints_goes_into_the_log(terminal: Terminal, project: Path) -> None:
    terminal.wait_for(r"\d+ ms +\d+ ms")
    code = project / "src" / "load_watch.py"
    said = "print('it ' + 'is on'); os.write(2, b'raw ' + b'bytes' + bytes([10]))"
    code.write_text(code.read_text().replace("self.high = False", f"self.high = False; {said}"))
    terminal.wait_for(r"info +it is on")
    terminal.wait_for(r"output +raw bytes")


def test_a_crash_is_shown_and_the_next_save_starts_again(terminal: Terminal, project: Path) -> None:
    seen = terminal.wait_for(r"\d+ ms +\d+ ms")
    (runner,) = terminal.runners()
    os.kill(runner, signal.SIGKILL)
    seen = terminal.wait_for(r"killed by signal 9 \(SIGKILL\)", since=seen)
    file = project / "pyproject.toml"
    file.write_text(file.read_text() + "\n")
    terminal.wait_for(r"pyproject\.toml +\d+ ms +\d+ ms +run 2", since=seen)


def test_only_the_screen_loads_textual() -> None:
    code = (
        "import sys, falcokit.cli.app, falcokit.cli.dev.command, falcokit.cli.dev.lines;"
        "sys.exit('textual' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
