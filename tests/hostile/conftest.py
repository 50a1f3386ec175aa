# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the hostile tests: misbehaving plugins, and the host that tortures them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from author import Author

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Said"]


@dataclass(frozen=True)
class Said:
    """What the torture host printed: a dict for each operation, and everything else."""

    operations: list[dict[str, Any]]
    stderr: str
    status: int

    def of(self, name: str) -> list[dict[str, Any]]:
        return [o for o in self.operations if o["op"] == name]

    def one(self, name: str) -> dict[str, Any]:
        (found,) = self.of(name)
        return found


@pytest.fixture(autouse=True, scope="session")
def default_signals() -> Iterator[None]:
    """Give the hosts of these tests every signal at its default, as a shell starts Falco.

    What a process ignores or blocks, those that it starts do too; `subprocess` sees to SIGPIPE and
    SIGXFSZ itself. `torture` makes sure of it in its own process as well.
    """
    blocked = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    kept = {signal.SIGPIPE, signal.SIGXFSZ}
    ignored = {n for n in signal.valid_signals() - kept if signal.getsignal(n) is signal.SIG_IGN}
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@pytest.fixture
def write_plugin(tmp_path: Path) -> Callable[..., Author]:
    def write(source: Path | str, name: str = "hostile") -> Author:
        folder = tmp_path / name
        folder.mkdir()
        return Author(folder, source, name)

    return write


@pytest.fixture
def tortured(torture: Path, tmp_path: Path) -> Callable[..., Said]:
    """Run the host; its stdout must hold its own lines and nothing else."""

    def run(*operations: str, env: dict[str, str] | None = None, timeout: float = 120) -> Said:
        done = subprocess.run(
            [str(torture), *operations],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines, done.stderr
        assert lines[-1]["op"] == "end", f"the host died: {done.returncode}\n{done.stderr}"
        return Said(lines, done.stderr, done.returncode)

    return run
