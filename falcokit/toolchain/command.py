# SPDX-License-Identifier: Apache-2.0
"""The door to the compiler: run a command, capture what it prints, fail with all of it.

A command and what it started end together, also when another thread calls `end_commands`. No shell
is involved. The two children that are talked to have doors of their own:
`falcokit.runner.run`, and `build` for the description of a class.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from falcokit.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["end_commands", "run", "run_captured"]

_lock = threading.Lock()  # guards the two below
_running: set[subprocess.Popen[str]] = set()
_ended = False

#: Told of each command that has ended, with the seconds it took: `falcokit -v` shows them. It is
#: called from the thread that ran the command.
observer: Callable[[Sequence[str], float], None] | None = None


def run(
    command: list[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> str:
    """Run `command` to its end and return its stdout.

    Raises:
        BuildError: it could not be started, did not end within `timeout` seconds, or ended with
            another status than 0; `output` holds what it printed.

    """
    try:
        done = run_captured(command, cwd=cwd, env=env, timeout=timeout, stdin=subprocess.DEVNULL)
    except OSError as e:
        raise BuildError(
            f"cannot run {command[0]}: {e.strerror}", command=command, output=""
        ) from e
    except subprocess.TimeoutExpired as e:
        message = f"{command[0]} did not end within {timeout} s"
        said = e.stderr or ""
        if isinstance(said, bytes):  # what was read so far comes undecoded, whatever `text` says
            said = said.decode("utf-8", "replace")
        raise BuildError(message, command=command, output=said) from e
    if done.returncode != 0:
        raise BuildError(
            f"{command[0]} failed with status {done.returncode}",
            command=command,
            output=done.stderr + done.stdout,
        )
    return done.stdout


def run_captured(
    command: list[str], *, text: str | None = None, timeout: float | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command as `subprocess.run` does, with `text` on its stdin, and capture its output.

    Raises OSError and TimeoutExpired; after `end_commands` it is killed at once.
    """
    started = time.monotonic()
    if text is not None:
        options["stdin"] = subprocess.PIPE
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,  # so that a compiler's own children can be ended with it
        **options,
    ) as process:
        with _lock:
            _running.add(process)
            if _ended:
                _kill(process)
        try:
            out, err = process.communicate(text, timeout)
        except BaseException:
            _kill(process)
            raise
        finally:
            with _lock:
                _running.discard(process)
    if observer is not None:
        observer(command, time.monotonic() - started)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def end_commands() -> None:
    """Kill all commands that run, and those that are still begun; any thread may call this.

    For the end of the process, when nobody waits for a build any more.
    """
    global _ended  # noqa: PLW0603 - of the process, as its children are
    with _lock:
        _ended = True
        for process in _running:
            _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    if process.returncode is None:  # else its number may be another's
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
