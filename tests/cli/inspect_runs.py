# SPDX-License-Identifier: Apache-2.0
"""What the tests of `falcokit inspect` share: runs of it, on pipes and on a terminal that is drawn.

A terminal is drawn as a person sees it: what a progress bar has wiped out is not there any more,
and what it forgot to wipe out is.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from falcokit.capture import open_capture
from falcokit.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.capture import Event

__all__ = ["CURL", "SAMPLES", "Screen", "events_of", "inspect", "on_terminal", "start"]

SAMPLES = Path(__file__).parents[1] / "capture" / "samples"
CURL = SAMPLES / "curl_google.scap"
_SECONDS = 60
_STEP = re.compile(r"\x1b\[\??([0-9;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


def events_of(file: Path, *types: str) -> list[Event]:
    with open_capture(file) as capture:
        return [event for event in capture if not types or event.type in types]


def command(arguments: Sequence[object]) -> list[str]:
    return [sys.executable, "-m", "falcokit", "inspect", *map(str, arguments)]


def inspect(
    *arguments: object, stdin: bytes | None = None, cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command on pipes; its output is read as UTF-8, which it is then known to be.

    In a process of its own only where it needs one: starting Python takes longer than most runs.
    """
    if stdin is None and cwd is None and not env:
        return inspect_here(arguments)
    done = subprocess.run(
        command(arguments),
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        cwd=cwd,
        env=os.environ | {"PYTHONUTF8": "1"} | env,
        timeout=_SECONDS,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def inspect_here(arguments: Sequence[object]) -> subprocess.CompletedProcess[str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        app(["inspect", *map(str, arguments)], prog_name="falcokit")
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(command(arguments), code, *texts)


def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command; its output is taken by the caller."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(command(arguments), env=os.environ | {"PYTHONUTF8": "1"}, **options)


@dataclass(frozen=True, kw_only=True)
class Screen:
    """How a run on a terminal ended."""

    returncode: int
    raw: str
    lines: list[str]
    """What is to be seen at the end, without the empty lines below it."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def on_terminal(
    *arguments: object,
    width: int = 80,
    height: int = 24,
    stdout: IO[bytes] | None = None,
    cwd: Path | None = None,
    **env: str,
) -> Screen:
    """Run the command on a terminal of that size; stdout may go elsewhere."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLUMNS", "LINES"}}
    with subprocess.Popen(
        command(arguments),
        stdin=theirs,
        stdout=stdout or theirs,
        stderr=theirs,
        cwd=cwd,
        env=kept | {"TERM": "xterm-256color", "PYTHONUTF8": "1"} | env,
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how a terminal tells that nobody writes any more
                break
            if not piece:
                break
            written += piece
    os.close(ours)
    raw = written.decode()
    return Screen(returncode=process.returncode, raw=raw, lines=drawn(raw))


def drawn(raw: str) -> list[str]:
    """Give the lines that stand on a terminal after `raw`; fail on what is not understood."""
    lines, row, column, at = [""], 0, 0, 0
    while at < len(raw):
        step = _STEP.match(raw, at)
        assert step, repr(raw[at : at + 40])
        at = step.end()
        number, code, move, text = step.groups()
        if text is not None:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + text + line[column + len(text) :]
            column += len(text)
        elif move == "\r":
            column = 0
        elif move == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        elif code == "A":
            row = max(row - int(number or 1), 0)
        elif code == "K":
            assert number == "2"
            lines[row] = ""
        else:
            assert code in {"m", "h", "l"}, code
    while lines and not lines[-1]:
        lines.pop()
    return lines
