# SPDX-License-Identifier: Apache-2.0
"""`falcokit init`: a new plugin project that builds, runs and passes its tests at once."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from falcokit.cli import console
from falcokit.project import scaffold

if TYPE_CHECKING:
    from falcokit.cli.options import InitOptions

__all__ = ["init", "list_templates"]


def list_templates() -> None:
    """List the templates, each with what it is for."""
    described = scaffold.template_descriptions()
    width = max(map(len, described))
    for name, what in described.items():
        console.data(f"{name.ljust(width)}  {what}")


def init(options: InitOptions) -> None:
    """Write the project and report what to do next."""
    made = scaffold.generate_project(
        options.name, root=options.directory, template=options.template, force=options.force
    )
    if options.as_json:
        console.json_line(
            {
                "name": made.name,
                "template": made.template,
                "root": str(made.root),
                "files": [str(path) for path in made.files],
            }
        )
        return
    folder = options.directory or Path(options.name)
    for path in made.files:
        console.data(str(folder / path))
    console.message(
        f"\nNext steps:\n"
        f"  cd {shlex.quote(str(folder))}\n"
        f"  falcokit run --limit 5     # build it and see its events\n"
        f"  falcokit dev --watch       # live statistics, restarts when you save\n"
        f"  falcokit test              # its tests\n"
        f"See README.md there for more."
    )
