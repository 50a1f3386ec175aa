# SPDX-License-Identifier: Apache-2.0
"""How an error is told: one sentence and a hint on stderr, with --json one object on stdout.

Called by `falcokit.cli.app` at the end of a failed command, and by `falcokit dev --watch`, which
goes on after an error. What a plugin or a compiler said is made printable first.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, Any, Final

from falcokit.cli import console
from falcokit.errors import FalcokitError
from falcokit.reports import error_object

if TYPE_CHECKING:
    from falcokit.reports import Report

__all__ = [
    "EXIT_INTERRUPTED",
    "EXIT_PIPE_CLOSED",
    "EXIT_UNEXPECTED",
    "EXIT_USAGE",
    "report_failure",
    "report_unexpected",
    "report_usage",
    "show_error",
]

EXIT_UNEXPECTED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141
"""128 + SIGPIPE, what a shell reports for a program whose reader went away."""


def report_failure(error: FalcokitError, *, as_json: bool) -> int:
    """Tell what failed and give the exit code of its class."""
    _tell(error_object(error), as_json=as_json)
    if _debug():
        traceback.print_exception(error)
    return error.exit_code


def show_error(error: Report) -> None:
    """Tell a person of an error, given as `error_object` makes it."""
    label = console.paint("error:", "red", sys.stderr)
    console.message(f"{label} {console.printable_lines(error['message'])}")
    if error["hint"]:
        label = console.paint("hint:", "cyan", sys.stderr)
        console.message(f"{label} {console.printable_lines(error['hint'])}")


def report_usage(error: Any, *, as_json: bool) -> int:
    """Tell what is wrong with the command line."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "falcokit"
    if type(error).__name__ == "NoArgsIsHelpError":
        console.message(error.format_message())
        return EXIT_USAGE
    text = error.format_message().rstrip(".")
    _tell(_error(EXIT_USAGE, text, f"see `{command} --help`"), as_json=as_json)
    return EXIT_USAGE


def report_unexpected(error: Exception, *, as_json: bool) -> int:
    """Tell about a mistake of falcokit's own, and keep its traceback for the report."""
    where = "set FALCOKIT_DEBUG=1 to see the traceback"
    if _debug():
        traceback.print_exception(error)
    else:
        saved = _save(error)
        where = f"the traceback is in {saved}" if saved else where
    name = type(error).__name__
    text = f"unexpected {name}: {error}" if str(error) else f"unexpected {name}"
    hint = f"this is a mistake in falcokit; {where}"
    _tell(_error(EXIT_UNEXPECTED, text, hint), as_json=as_json)
    return EXIT_UNEXPECTED


def _error(code: int, message: str, hint: str) -> Report:
    return {"exit": code, "message": message, "hint": hint, "file": None, "line": None}


def _tell(error: Report, *, as_json: bool) -> None:
    show_error(error)
    if as_json:
        # Nobody may read any more: the exit code is what is left to tell.
        with contextlib.suppress(FalcokitError, console.ReaderGoneError):
            console.json_line({"error": error})


def _debug() -> bool:
    return os.environ.get("FALCOKIT_DEBUG", "") not in {"", "0"}


def _save(error: Exception) -> str | None:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="falcokit-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        return None
    return file.name
