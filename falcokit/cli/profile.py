# SPDX-License-Identifier: Apache-2.0
"""`falcokit run --profile`: py-spy samples the plugin's Python from outside, while it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from falcokit.cli import console
from falcokit.errors import ConfigError, FalcokitError, ToolMissingError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Profile"]

#: What py-spy calls the format of a file with this suffix.
_FORMATS: Final = {".svg": "flamegraph", ".json": "speedscope", ".txt": "raw"}
_RATE: Final = "200"  # samples a second
_WRITE_SECONDS: Final = 20.0


class Profile:
    """A profile of one process, from `start` to the end of the process."""

    def __init__(self, file: Path) -> None:
        """Look for what is needed, before anything is built.

        Raises:
            ConfigError: the file's name does not say the format, or its folder is not there.
            ToolMissingError: there is no py-spy.

        """
        kind = _FORMATS.get(file.suffix)
        if kind is None:
            known = ", ".join(f"{suffix} ({name})" for suffix, name in _FORMATS.items())
            raise ConfigError(f"--profile {file}: the name must end in {known}")
        if not file.absolute().parent.is_dir():
            raise ConfigError(f"--profile {file}: its folder does not exist")
        beside = Path(sys.executable).with_name("py-spy")
        program = str(beside) if os.access(beside, os.X_OK) else shutil.which("py-spy")
        if program is None:
            raise ToolMissingError(
                "--profile needs py-spy", hint="run `pip install 'falcokit[profile]'`"
            )
        self._file = file
        self._command = [
            *(program, "record", "--format", kind, "--rate", _RATE, "--threads"),
            *("--output", str(file), "--pid"),
        ]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Return the profile, which is finished on exit."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let py-spy write the file: it does when its process has ended."""
        if self._process is None:
            return
        try:
            said, _ = self._process.communicate(timeout=_WRITE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            said, _ = self._process.communicate()
        if self._process.returncode == 0 and self._file.exists():
            console.message(f"wrote {self._file}")
        elif error is None:
            lines = [line.strip() for line in said.splitlines() if line.strip()]
            hint = "run it as root, or allow it: sudo sysctl kernel.yama.ptrace_scope=0"
            raise FalcokitError(
                f"py-spy could not profile the plugin: {lines[-1] if lines else 'it said nothing'}",
                hint=hint if "ermi" in said else None,
            )

    def start(self, pid: int) -> None:
        """Begin to sample a process in which Python runs; nothing, if it has begun."""
        if self._process is None:
            self._process = subprocess.Popen(
                [*self._command, str(pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
