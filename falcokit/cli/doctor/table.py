# SPDX-License-Identifier: Apache-2.0
"""A check of `falcokit doctor`: a name, what is looked at, and how to mend it in one line."""

from __future__ import annotations

import functools
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from falcokit.errors import ConfigError, FalcokitError
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from falcokit.build.about import LibraryAbout
    from falcokit.project.settings import Project

__all__ = [
    "CHECK_SECONDS",
    "PROGRAM_SECONDS",
    "Check",
    "NothingError",
    "Result",
    "Subject",
    "TroubleError",
    "WorryError",
    "answer_of",
    "run_checks",
]

#: What a check may take; one that takes longer has failed, and is left behind.
CHECK_SECONDS: Final = 20.0
#: What a program that a check asks may take.
PROGRAM_SECONDS: Final = 10.0


class TroubleError(Exception):
    """falcokit cannot work like this."""

    def __init__(self, text: str, fix: str | None = None) -> None:
        super().__init__(text)
        self.text, self.fix = text, fix


class WorryError(TroubleError):
    """falcokit works, and something does not."""


class NothingError(TroubleError):
    """There is nothing to check."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One row of the table."""

    name: str
    what: str
    """What is looked at, as a noun."""
    fix: str
    """One line; a check may know a better one."""
    look: Callable[[Subject], str]
    """Returns what was found; raises TroubleError, WorryError or NothingError."""


class Result(NamedTuple):
    """What a check found."""

    name: str
    what: str
    status: str
    """ok, warning, error, or none where there was nothing to check."""
    found: str
    fix: str | None


class Subject:
    """What is checked: this machine and, if there is one, the project."""

    def __init__(self, start: Path) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._failure: FalcokitError | None = None

    @functools.cached_property
    def project(self) -> Project | None:
        """The project; None: the folder is in none.

        Raises:
            ConfigError: its pyproject.toml is wrong.

        """
        start = self._start.absolute()
        if not any((folder / "pyproject.toml").is_file() for folder in (start, *start.parents)):
            if not start.is_dir():
                raise ConfigError(f"{start}: no such folder")
            return None
        return load_project(start)

    def need_project(self) -> Project:
        """Return the project.

        Raises:
            NothingError: there is none that can be read.

        """
        try:
            project = self.project
        except ConfigError:
            raise NothingError("pyproject.toml is wrong: see project") from None
        if project is None:
            raise NothingError("not in a project's folder")
        return project

    @functools.cached_property
    def _about(self) -> LibraryAbout:
        from falcokit.build.about import library_about  # noqa: PLC0415
        from falcokit.build.build_project import describe_project  # noqa: PLC0415

        return library_about(describe_project(self.need_project(), seconds=PROGRAM_SECONDS))

    def about(self) -> LibraryAbout:
        """Return what the plugin is, described once for all checks.

        Raises:
            PluginDefinitionError: it cannot be described.

        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            try:
                return self._about
            except FalcokitError as e:
                self._failure = e
                raise

    def need_about(self) -> LibraryAbout:
        """Return the same.

        Raises:
            NothingError: there is no project, or its plugin cannot be described.

        """
        self.need_project()
        try:
            return self.about()
        except FalcokitError:
            raise NothingError("the plugin cannot be described: see plugin") from None


def run_checks(checks: Sequence[Check], subject: Subject) -> list[Result]:
    """Run all checks beside each other, each for a bounded time; return the results in order."""
    results: dict[str, Result] = {}

    def run(check: Check) -> None:
        results[check.name] = _run(check, subject)

    # Daemons: one that hangs in the system must not keep the process from ending.
    threads = [threading.Thread(target=run, args=(check,), daemon=True) for check in checks]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + CHECK_SECONDS
    for check, thread in zip(checks, threads, strict=True):
        thread.join(max(deadline - time.monotonic(), 0.0))
        if thread.is_alive():
            text = f"no answer within {CHECK_SECONDS:.0f} s"
            results[check.name] = Result(check.name, check.what, "error", text, check.fix)
    return [results[check.name] for check in checks]


def _run(check: Check, subject: Subject) -> Result:
    try:
        return Result(check.name, check.what, "ok", check.look(subject), None)
    except NothingError as e:
        return Result(check.name, check.what, "none", e.text, None)
    except TroubleError as e:
        status = "warning" if isinstance(e, WorryError) else "error"
        return Result(check.name, check.what, status, e.text, e.fix or check.fix)
    except FalcokitError as e:
        fix = " ".join((e.hint or check.fix).split())
        return Result(check.name, check.what, "error", e.message, fix)
    except Exception as e:  # noqa: BLE001 - one check must not keep the others from their results
        text = f"{type(e).__name__}: {e}"
        return Result(check.name, check.what, "error", text, check.fix)


def answer_of(*command: str | Path) -> str:
    """Return what a program says, on stdout or else on stderr.

    Raises:
        WorryError: it cannot be run, fails, or does not end in time.

    """
    name = str(command[0])
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROGRAM_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WorryError(f"{name} did not end within {PROGRAM_SECONDS:.0f} s") from None
    except OSError as e:
        raise WorryError(f"{name} cannot be run: {e.strerror}") from e
    said = (done.stdout.strip() or done.stderr.strip()) if not done.returncode else done.stderr
    if done.returncode:
        last = said.strip().rpartition("\n")[2] or f"status {done.returncode}"
        raise WorryError(f"{name} fails: {last}")
    return said
