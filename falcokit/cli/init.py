# SPDX-License-Identifier: Apache-2.0
"""`falcokit init`: a new plugin project that builds, runs and passes its tests at once."""

# ruff: noqa: TC001, TC003 - typer reads the annotations while running

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from falcokit.cli import console
from falcokit.cli.options import Json

__all__ = ["init"]


def _list_templates(wanted: bool) -> None:
    if not wanted:
        return
    from falcokit.project.scaffold import template_descriptions  # noqa: PLC0415

    described = template_descriptions()
    width = max(map(len, described))
    for name, what in described.items():
        console.data(f"{name.ljust(width)}  {what}")
    raise typer.Exit


def init(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The plugin's name, such as my-plugin.")
    ],
    *,
    template: Annotated[
        str,
        typer.Option(
            "-t",
            "--template",
            metavar="NAME",
            help="What the plugin does: async, extract, full, parse, source, source-extract.",
        ),
    ] = "async",
    templates: Annotated[
        bool,
        typer.Option(
            "--templates", is_eager=True, callback=_list_templates, help="List the templates."
        ),
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="The project's folder (default: ./NAME)."),
    ] = None,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Ask nothing (init never does; for scripts).")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a new plugin project."""
    from falcokit.cli.do_init import do  # noqa: PLC0415

    del templates
    do(
        name,
        template=template,
        directory=directory,
        no_input=no_input,
        force=force,
        as_json=as_json,
    )
