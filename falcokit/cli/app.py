# SPDX-License-Identifier: Apache-2.0
"""The command line `falcokit`: registers the commands.

Commands import what they need inside the function, so that `--help` stays fast.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from falcokit.cli import console
from falcokit.cli.build import build
from falcokit.cli.dev.cli import dev
from falcokit.cli.failure import EXIT_INTERRUPTED, outcome, report_usage
from falcokit.cli.init import init
from falcokit.cli.inspect.cli import inspect
from falcokit.cli.package import package
from falcokit.cli.publish import publish
from falcokit.cli.run import run

__all__ = ["app"]

# typer carries its own copy of click under a private name; taken this way the class is the right
# one with every version.
_UsageProblem: Final[type[typer.BadParameter]] = next(
    cls for cls in typer.BadParameter.__mro__ if cls.__name__ == "ClickException"
)


class _Group(TyperGroup):
    """Ends the process with the exit code of what happened."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command and end the process."""
        kwargs["standalone_mode"] = False
        arguments = kwargs.get("args") or (args[0] if args else None) or sys.argv[1:]
        as_json = "--json" in arguments
        parse_and_run = super().main

        def command() -> Any:
            try:
                return parse_and_run(*args, **kwargs)
            except _UsageProblem as e:
                return report_usage(e, as_json=as_json)
            except typer.Abort:
                return EXIT_INTERRUPTED

        sys.exit(outcome(command, as_json=as_json))


app = typer.Typer(
    cls=_Group,
    name="falcokit",
    help="Write Falco plugins in Python.",
    epilog="Set FALCOKIT_DEBUG=1 to see the traceback of an unexpected error.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  costs 20 ms

        console.data(f"falcokit {version('falcokit')}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Write Falco plugins in Python."""


app.command("init")(init)
app.command("build")(build)
app.command("run")(run)
app.command("dev")(dev)
app.command("inspect")(inspect)
app.command("package")(package)
app.command("publish")(publish)
