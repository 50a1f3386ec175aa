# SPDX-License-Identifier: Apache-2.0
"""`falcokit init`: a new plugin project that builds, runs and passes its tests at once."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from falcokit.cli import console
from falcokit.cli.options import Json  # noqa: TC001  typer reads the annotations

__all__ = ["init"]


def _list_templates(wanted: bool) -> None:
    if not wanted:
        return
    from falcokit.scaffold import template_descriptions  # noqa: PLC0415

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
    from falcokit.scaffold import generate_project  # noqa: PLC0415

    del no_input, templates
    made = generate_project(name, root=directory, template=template, force=force)
    if as_json:
        console.json_line(
            {
                "name": made.name,
                "template": made.template,
                "root": str(made.root),
                "files": [str(path) for path in made.files],
            }
        )
        return
    folder = directory or Path(name)
    for path in made.files:
        console.data(str(folder / path))
    console.message(
        f"\nNext steps:\n"
        f"  cd {shlex.quote(str(folder))}\n"
        f"  falcokit run --limit 5     # build it and see its events\n"
        f"  falcokit dev --watch       # live statistics, restarts when you save\n"
        f"  python -m pytest           # its tests\n"
        f"README.md there tells more."
    )
