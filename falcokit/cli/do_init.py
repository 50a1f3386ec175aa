# SPDX-License-Identifier: Apache-2.0
"""What `falcokit init` does."""

from __future__ import annotations

import shlex
from pathlib import Path

from falcokit.cli import console
from falcokit.project import scaffold

__all__ = ["do"]


def do(
    name: str,
    *,
    template: str = "async",
    directory: Path | None = None,
    no_input: bool = False,
    force: bool = False,
    as_json: bool = False,
) -> None:
    """Write the project and tell what to do next."""
    del no_input
    made = scaffold.generate_project(name, root=directory, template=template, force=force)
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
