# SPDX-License-Identifier: Apache-2.0
"""The door to the compiler: run a command, capture what it prints, fail with all of it.

No shell is involved. The two children that are talked to have doors of their own:
`falcokit.runner.run`, and `build` for the description of a class.
"""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from falcokit.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["run"]

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
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
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
    if observer is not None:
        observer(command, time.monotonic() - started)
    if done.returncode != 0:
        raise BuildError(
            f"{command[0]} failed with status {done.returncode}",
            command=command,
            output=done.stderr + done.stdout,
        )
    return done.stdout
