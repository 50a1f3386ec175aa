# SPDX-License-Identifier: Apache-2.0
"""The command line `falcokit` as typer reads it: help, mistakes and rare spellings.

What a command imports is loaded when it is called, so that `--help` stays fast.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer
from typer.core import TyperGroup

from falcokit import __version__
from falcokit.cli import console
from falcokit.cli.arguments import COMMANDS, MIN_SECONDS, heed_common, with_bare_values
from falcokit.cli.failure import EXIT_INTERRUPTED, outcome, report_usage
from falcokit.cli.options import COMMON

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.cli.arguments import Command
    from falcokit.cli.options import Option

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
        given = args[0] if args else kwargs.get("args")
        arguments = sys.argv[1:] if given is None else given
        args, kwargs["args"] = args[1:], with_bare_values(arguments)
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
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        console.data(f"falcokit {__version__}")
        raise typer.Exit


def _common(name: str) -> Any:
    option = COMMON[name]
    return typer.Option(*option.spellings, help=option.help_text)


@app.callback()
def _main(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", help="Show the version.", callback=_version, is_eager=True),
    ] = False,
    quiet: Annotated[bool, _common("quiet")] = False,
    verbose: Annotated[bool, _common("verbose")] = False,
    color: Annotated[Literal["auto", "always", "never"] | None, _common("color")] = None,
) -> None:
    """Write Falco plugins in Python."""
    _ = version  # its callback has shown it
    heed_common({"quiet": quiet, "verbose": verbose, "color": color})


_TYPES: Final[dict[str, Any]] = {
    "flag": bool,
    "text": str,
    "path": Path,
    "number": int,
    "count": int,
    "seconds": float,
    "factor": float,
    "rest": str,
}
#: From the first word on that is no option of ours, all is left to another program.
_REST: Final = {"ignore_unknown_options": True, "allow_interspersed_args": False}
_LEAST: Final[dict[str, dict[str, Any]]] = {
    "count": {"min": 1},
    "seconds": {"min": MIN_SECONDS},
    "factor": {"min": MIN_SECONDS},
}


def _declared(name: str, command: Command) -> Callable[..., int | None]:
    """Return a command as the function that typer wants, with the signature of its options."""
    table = command.options.table

    def run(**given: Any) -> int | None:
        for key, value in given.items():
            if table[key].many:
                given[key] = tuple(value or ())
        return command.run(name, given)

    parameters = [_parameter(key, option, command) for key, option in table.items()]
    vars(run)["__signature__"] = inspect.Signature(parameters)
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = command.help_text
    return run


def _parameter(name: str, option: Option, command: Command) -> inspect.Parameter:
    kind: Any = _TYPES.get(option.kind) or Literal[option.choices]
    default = False if option.kind == "flag" else option.default
    if option.many:
        kind = list.__class_getitem__(kind)
    if default is None and not option.required:
        kind |= None
    about: dict[str, Any] = {"help": option.help_text, "metavar": option.metavar}
    about |= _LEAST.get(option.kind, {})
    if option.instead is not None:
        about |= {"is_eager": True, "callback": _callback(command, option.instead)}
    how = typer.Option(*option.spellings, **about) if option.spellings else typer.Argument(**about)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if option.required else default,
        annotation=Annotated[kind, how],
    )


def _callback(command: Command, function: str) -> Callable[[bool], bool]:
    def callback(wanted: bool) -> bool:
        if wanted:
            command.call(function)
            raise typer.Exit
        return wanted

    return callback


for _name, _command in COMMANDS.items():
    _takes_rest = any(option.kind == "rest" for option in _command.options.table.values())
    app.command(
        _name,
        epilog="\b\nExamples:\n" + "\n".join(f"  {example}" for example in _command.examples),
        context_settings=_REST if _takes_rest else None,
    )(_declared(_name, _command))
