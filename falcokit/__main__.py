# SPDX-License-Identifier: Apache-2.0
"""The console script, and `python -m falcokit`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["inspect"]:
        _inspect(sys.argv[2:])
    from falcokit.cli.app import app  # noqa: PLC0415 - with typer, which takes 50 ms and more

    app(prog_name="falcokit")


def _inspect(arguments: list[str]) -> None:
    """Inspect, and end the process; return where the arguments are for typer."""
    from falcokit.cli.inspect_arguments import read_arguments  # noqa: PLC0415 - one command's

    wishes = read_arguments(arguments)
    if wishes is None:
        return
    from falcokit.cli.failure import outcome  # noqa: PLC0415

    def inspect() -> None:
        from falcokit.cli.inspect_run import Inspection, Wishes  # noqa: PLC0415

        Inspection(Wishes(**wishes)).run()

    sys.exit(outcome(inspect, as_json=wishes.get("as_json", False)))


if __name__ == "__main__":
    main()
