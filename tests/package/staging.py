# SPDX-License-Identifier: Apache-2.0
"""Drives tests/hosts/stage.c: a host that is told what to do while the test changes the world.

A host that dies fails the test, with what it said.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["Answer", "Stage", "folder_of", "live"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the host says of one operation, and of itself."""

    op: str
    slot: int
    rc: int
    error: str
    text: str
    accepted: int
    stray: int
    malformed: int
    threads: int
    fds: int
    rss_kb: int


class Stage:
    """The host's process. `with` ends it, and it must end well."""

    def __init__(
        self,
        *command: Path | str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - until __exit__
        self._process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            errors="replace",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if kind is None:
                process.stdin.close()
                assert process.stdout.read() == ""
                assert process.wait(30) == 0, self.stderr
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
            self._said.close()

    def __call__(self, *operations: str) -> Answer:
        """Do one after the other; return the answer to the last that is answered."""
        answer = None
        for operation in operations:
            self._write(operation)
            if not operation.startswith("slot="):
                answer = self._read()
        assert answer is not None
        return answer

    def together(self, operations: Mapping[int, str]) -> list[Answer]:
        """Do one operation on each of several slots, all at once, each on a thread of its own."""
        for slot, operation in operations.items():
            self._write(f"slot={slot}", f"&{operation}")
        self._write("join", "slot=0")
        return sorted((self._read() for _ in operations), key=lambda answer: answer.slot)

    def settled(self, threads: int) -> Answer:
        """Wait until there are so few threads: one that has ended is seen for a moment more."""
        end = time.monotonic() + 5
        while (answer := self("slow-us=0")).threads > threads:
            assert time.monotonic() < end, f"{answer.threads} threads are left"
        return answer

    @property
    def stderr(self) -> str:
        self._said.seek(0)
        return self._said.read()

    def _write(self, *lines: str) -> None:
        assert self._process.stdin is not None
        try:
            for line in lines:
                self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._died()

    def _read(self) -> Answer:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._died()
        return Answer(**json.loads(line))

    def _died(self) -> NoReturn:
        status = self._process.wait(30)
        raise AssertionError(f"the host died: {status}\n{self.stderr}")


def folder_of(library: Path) -> Path:
    """Return the folder of a plugin of the dir layout."""
    (folder,) = library.parent.glob("*.rt-*")
    return folder


def live(stage: Stage, library: Path | str, *, data: str = "packaged") -> Answer:
    """Take a plugin through its whole life, twice within one loading."""
    assert stage(f"load={library}").rc == 0
    for _ in range(2):
        answer = stage("init")
        assert answer.rc == 0, answer.error
        assert stage("set-handler").rc == 0
        assert stage("take").text == data
        assert stage("clear-handler").rc == 0
        assert stage("destroy").stray == 0
    return stage("unload")
