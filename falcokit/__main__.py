# SPDX-License-Identifier: Apache-2.0
"""The console script, and `python -m falcokit`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    try:
        _main()
    except KeyboardInterrupt:  # before there was a command that takes it
        sys.exit(130)
    finally:
        from falcokit.cli.interrupt import ignore_signals  # noqa: PLC0415

        # The exit code is known: a Ctrl-C while Python ends would put a death by SIGINT, or a
        # traceback, in its place.
        ignore_signals()


def _main() -> None:
    from falcokit.cli.arguments import read_arguments  # noqa: PLC0415

    _prepare()
    given = read_arguments(sys.argv[1:])
    if given is None:
        from falcokit.cli.app import app  # noqa: PLC0415 - with typer, which takes 50 ms and more

        app(prog_name="falcokit")
    else:
        _run(sys.argv[1], given)


def _prepare() -> None:
    """Heed the options before the command, and continue in the project's environment."""
    from falcokit.cli.arguments import COMMANDS, take_common  # noqa: PLC0415
    from falcokit.cli.environment import continue_in_project  # noqa: PLC0415
    from falcokit.cli.failure import outcome  # noqa: PLC0415

    def prepare() -> None:
        whole = sys.argv[1:]
        sys.argv[1:] = rest = take_common(whole)
        command = COMMANDS.get(rest[0]) if rest else None
        if command is not None and "project" in command.options.table:
            continue_in_project(whole)

    if code := outcome(prepare, as_json="--json" in sys.argv):
        sys.exit(code)


def _run(name: str, given: dict[str, object]) -> None:
    """Run a command whose arguments have been read, and end the process."""
    from falcokit.cli.arguments import COMMANDS  # noqa: PLC0415
    from falcokit.cli.failure import outcome  # noqa: PLC0415

    as_json = bool(given.get("as_json"))
    sys.exit(outcome(lambda: COMMANDS[name].run(name, given), as_json=as_json))


if __name__ == "__main__":
    main()
