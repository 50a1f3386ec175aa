# SPDX-License-Identifier: Apache-2.0
"""`falcokit doctor`: what is wrong with this machine and the project, and how to mend it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Final

from falcokit.cli import console
from falcokit.cli.doctor.hosts import HOSTS
from falcokit.cli.doctor.machine import MACHINE
from falcokit.cli.doctor.of_project import OF_PROJECT
from falcokit.cli.doctor.table import Subject, run_checks
from falcokit.cli.format import count_of
from falcokit.errors import ToolMissingError

if TYPE_CHECKING:
    from falcokit.cli.doctor.table import Result
    from falcokit.cli.options import DoctorOptions

__all__ = ["CHECKS", "doctor"]

CHECKS: Final = (*MACHINE, *HOSTS, *OF_PROJECT)
_COLORS: Final = {"ok": "green", "warning": "yellow", "error": "red", "none": "dim"}
_WIDTH: Final = max(len(check.name) for check in CHECKS)
_INDENT: Final = " " * (len("warning") + 2 + _WIDTH + 2)


def doctor(options: DoctorOptions) -> int:
    """Run all checks and show them; return the exit code, which only errors make another one."""
    results = run_checks(CHECKS, Subject(options.project))
    counts = {status: sum(r.status == status for r in results) for status in _COLORS}
    if options.as_json:
        console.json_line(
            {
                "ok": not counts["error"],
                "errors": counts["error"],
                "warnings": counts["warning"],
                "checks": [result._asdict() for result in results],
            }
        )
    else:
        for result in results:
            _show(result)
        wrong = f"{count_of(counts['error'], 'error')}, {count_of(counts['warning'], 'warning')}"
        console.message(f"{count_of(len(results), 'check')}: {wrong}")
    return ToolMissingError.exit_code if counts["error"] else 0


def _show(result: Result) -> None:
    label = console.paint(f"{result.status:<7}", _COLORS[result.status], sys.stdout)
    found = " ".join(result.found.split())
    first, *more = _wrapped(found)
    console.data(f"{label}  {result.name:<{_WIDTH}}  {first}")
    console.data_lines(f"{_INDENT}{line}" for line in more)
    if result.fix:
        hint = console.paint("fix:", "cyan", sys.stdout)
        first, *more = _wrapped(f"fix: {result.fix}")
        console.data(f"{_INDENT}{hint}{first.removeprefix('fix:')}")
        console.data_lines(f"{_INDENT}{line}" for line in more)


def _wrapped(text: str) -> list[str]:
    """Return the lines of a text; only a terminal has a width."""
    text = console.printable(text)
    if sys.stdout is None or not sys.stdout.isatty():
        return [text]
    room = max(shutil.get_terminal_size().columns - len(_INDENT), 2 * _WIDTH)
    return textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False) or [""]
