# SPDX-License-Identifier: Apache-2.0
"""How an error is reported: one sentence and a hint on stderr, with --json one object on stdout.

`outcome` is the only place where an error becomes an exit code; `falcokit.cli.app` and
`falcokit.__main__` run commands with it. `show_error` is for `falcokit dev --watch`, which
continues after an error. Text of a plugin or a compiler is made printable first.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from falcokit.cli import console
from falcokit.cli.interrupt import StoppedBySignal
from falcokit.errors import FalcokitError, is_of_the_system, system_error
from falcokit.runner.reports import error_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runner.reports import Report

__all__ = [
    "EXIT_INTERRUPTED",
    "EXIT_PIPE_CLOSED",
    "EXIT_UNEXPECTED",
    "EXIT_USAGE",
    "outcome",
    "report_usage",
    "show_error",
]

EXIT_UNEXPECTED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
EXIT_PIPE_CLOSED: Final = 141
"""128 + SIGPIPE, what a shell reports for a program whose reader went away."""


def outcome(command: Callable[[], object], *, as_json: bool) -> int:
    """Run a command, report what failed, and return the exit code of the process."""
    console.tolerate_locale()
    try:
        code = command()
    except FalcokitError as e:
        return _report_failure(e, as_json=as_json)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except StoppedBySignal as e:
        return e.exit_code
    except console.ReaderGoneError:
        console.drop_stdout()
        return EXIT_PIPE_CLOSED
    except Exception as e:  # noqa: BLE001  users must never see a raw traceback
        return _report_unexpected(e, as_json=as_json)
    return code if isinstance(code, int) else 0


def _report_failure(error: FalcokitError, *, as_json: bool) -> int:
    """Report what failed and return the exit code of its class."""
    _report(error_object(error), as_json=as_json)
    if _debug():
        _print_traceback(error)
    return error.exit_code


def show_error(error: Report) -> None:
    """Show an error, given as `error_object` makes it, to a person."""
    from falcokit.cli.author_error import error_text  # noqa: PLC0415 - of what went wrong

    label = console.paint("error:", "red", sys.stderr)
    console.problem(f"{label} {error_text(error['message'])}")
    if error["hint"]:
        label = console.paint("hint:", "cyan", sys.stderr)
        console.problem(f"{label} {console.printable_lines(error['hint'])}")


def report_usage(error: Any, *, as_json: bool) -> int:
    """Report what is wrong with the command line."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "falcokit"
    if type(error).__name__ == "NoArgsIsHelpError":
        console.problem(error.format_message())
        return EXIT_USAGE
    text = error.format_message().rstrip(".")
    _report(_error(EXIT_USAGE, text, f"see `{command} --help`"), as_json=as_json)
    return EXIT_USAGE


def _report_unexpected(error: Exception, *, as_json: bool) -> int:
    """Report a bug in falcokit, and keep its traceback for the bug report."""
    if isinstance(error, OSError) and is_of_the_system(error):
        return _report_failure(system_error(error, "the system refuses"), as_json=as_json)
    where = "set FALCOKIT_DEBUG=1 to see the traceback"
    if _debug():
        _print_traceback(error)
    else:
        saved = _save(error)
        where = f"the traceback is in {saved}" if saved else where
    name = type(error).__name__
    text = f"unexpected {name}: {error}" if str(error) else f"unexpected {name}"
    hint = f"this is a bug in falcokit; {where}"
    _report(_error(EXIT_UNEXPECTED, text, hint), as_json=as_json)
    return EXIT_UNEXPECTED


def _error(code: int, message: str, hint: str) -> Report:
    nowhere = dict.fromkeys(("file", "line", "exception"))
    return {"exit": code, "message": message, "hint": hint, **nowhere}


def _report(error: Report, *, as_json: bool) -> None:
    show_error(error)
    if as_json:
        # The reader may be gone: then the exit code is all that can be reported.
        with contextlib.suppress(FalcokitError, console.ReaderGoneError):
            console.json_line({"error": error})


def _debug() -> bool:
    return os.environ.get("FALCOKIT_DEBUG", "") not in {"", "0"}


def _print_traceback(error: Exception) -> None:
    import traceback  # noqa: PLC0415 - seldom needed

    traceback.print_exception(error)


def _save(error: Exception) -> str | None:
    import tempfile  # noqa: PLC0415 - seldom needed
    import traceback  # noqa: PLC0415

    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="falcokit-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.writelines(traceback.format_exception(error))
    except OSError:
        return None
    return file.name
