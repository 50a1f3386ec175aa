# SPDX-License-Identifier: Apache-2.0
"""`falcokit dev` in a terminal as people have one: started, resized, suspended, left by itself.

tmux is the terminal; what a person sees is what it has on its screen.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 30.0
PLAIN_ENV = ("TERM_PROGRAM", "TMUX", "NO_COLOR", "COLUMNS", "LINES")


class Tmux:
    """A terminal with a shell in it."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "tmux"
        env = {name: text for name, text in os.environ.items() if name not in PLAIN_ENV}
        # The locks of those who started us are not the server's.
        subprocess.run(
            [*self.command(), "-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24",
             "env", "PS1=READY ", "PYTHONUTF8=1", "bash", "--norc", "--noprofile"],
            check=True, env=env, close_fds=True,
        )  # fmt: skip
        self.do("set-option", "-g", "status", "off")
        self.wait_for("READY")

    def command(self) -> list[str]:
        return ["tmux", "-S", str(self.socket)]

    def do(self, *words: str) -> str:
        done = subprocess.run(
            [*self.command(), *words], capture_output=True, text=True, check=False, timeout=SECONDS
        )
        return done.stdout

    def type(self, *keys: str) -> None:
        self.do("send-keys", *keys)

    def screen(self) -> str:
        return self.do("capture-pane", "-p")

    def wait_for(self, *parts: str, gone: str | None = None) -> str:
        deadline = time.monotonic() + SECONDS
        while True:
            screen = self.screen()
            if all(part in screen for part in parts) and (gone is None or gone not in screen):
                return screen
            assert time.monotonic() < deadline, f"{parts} in\n{screen}"
            time.sleep(0.02)

    def child(self) -> int:
        """The process that the shell has started."""
        shell = self.do("list-panes", "-F", "#{pane_pid}").strip()
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def close(self) -> None:
        self.do("kill-server")


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        if os.environ.get("CI"):
            pytest.fail("tmux is missing: apt-get install tmux")
        pytest.skip("tmux is missing")
    opened = Tmux(tmp_path)
    try:
        yield opened
    finally:
        opened.close()


def start(tmux: Tmux, project: Path, *words: str) -> None:
    command = [sys.executable, "-m", "falcokit", "dev", "--watch", "-C", str(project)]
    tmux.type(shlex.join(["env", *words, *command]) + "; echo code $?", "Enter")
    tmux.wait_for("load_watch_load", "running")


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_starts_is_resized_suspended_crashes_and_is_left(tmux: Tmux, project: Path) -> None:
    start(tmux, project)
    screen = tmux.wait_for("1 Async events", "q quit")
    assert len(screen.rstrip("\n").split("\n")) == 24
    assert "8 Log" not in screen

    tmux.do("resize-window", "-x", "120", "-y", "40")
    tmux.wait_for("7 Alerts", "8 Log", "load counts as high from 4.00 on")
    tmux.do("resize-window", "-x", "200", "-y", "50")
    tmux.wait_for("3 Producers", "6 Metrics", "9 Reloads")
    tmux.do("resize-window", "-x", "60", "-y", "16")
    tmux.wait_for("1 Async events", gone="9 Reloads ─")

    tmux.type("C-z")
    tmux.wait_for("Stopped", gone="Async")
    tmux.type("fg", "Enter")
    tmux.wait_for("1 Async events", "running")

    (runner,) = children(tmux.child())
    os.kill(runner, 9)
    tmux.wait_for("ended: killed by signal 9 (SIGKILL)")
    tmux.type("r")
    tmux.wait_for("run 2", "running", gone="SIGKILL")

    tmux.type("q")
    tmux.wait_for("load-watch 0.1.0, run 2", gone="Async")
    tmux.type("stty -a", "Enter")
    screen = tmux.wait_for("echoctl")
    assert " echo " in screen
    assert " icanon " in screen


def test_a_terminal_that_is_closed_ends_all_of_it(tmux: Tmux, project: Path) -> None:
    start(tmux, project)
    tool = tmux.child()
    (runner,) = children(tool)
    tmux.close()
    for pid in (tool, runner):
        wait_gone(pid)


def test_a_terminal_without_utf_8_has_plain_characters(tmux: Tmux, project: Path) -> None:
    start(tmux, project, "PYTHONUTF8=0", "PYTHONIOENCODING=ascii")
    screen = tmux.wait_for("+- 1 Async events -", "< detail")
    assert screen.isascii()
    tmux.type("q")
    tmux.wait_for("code 0")


def test_without_colour_there_is_none(tmux: Tmux, project: Path) -> None:
    start(tmux, project, "NO_COLOR=1")
    tmux.wait_for("1 Async events")
    coloured = tmux.do("capture-pane", "-p", "-e")
    for code in coloured.split("\x1b[")[1:]:
        numbers = code.split("m")[0].split(";")
        if numbers[0] in {"38", "48"} and numbers[1] == "2":
            red, green, blue = (int(number) for number in numbers[2:5])
            assert max(red, green, blue) - min(red, green, blue) <= 2, code[:30]
    tmux.type("q")
    tmux.wait_for("code 0")


def test_a_dumb_terminal_has_plain_lines(tmux: Tmux, project: Path) -> None:
    command = [sys.executable, "-m", "falcokit", "dev", "-C", str(project), "--duration", "3"]
    tmux.type(shlex.join(["env", "TERM=dumb", *command]) + "; echo code $?", "Enter")
    screen = tmux.wait_for("code 0")
    assert "load_watch_load: " in screen
    assert "(duration)" in screen


def test_quitting_during_a_build_ends_it(tmux: Tmux, project: Path) -> None:
    code = project / "src" / "load_watch.py"
    code.write_text(code.read_text() + "\nimport time\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "falcokit", "dev", "-C", str(project)]
    tmux.type(shlex.join(command) + "; echo code $?", "Enter")
    tmux.wait_for("building ")
    importing = [pid for pid in children(tmux.child()) if b"describe" in cmdline(pid)]
    tmux.type("q")
    begin = time.monotonic()
    tmux.wait_for("code 0", gone="problem")
    assert time.monotonic() - begin < 3.0
    for pid in importing:
        wait_gone(pid)


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
