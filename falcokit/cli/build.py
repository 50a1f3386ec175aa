# SPDX-License-Identifier: Apache-2.0
"""`falcokit build`: build/lib<name>.so from the author's class."""

from __future__ import annotations

from pathlib import Path

from falcokit.cli import console
from falcokit.cli.inspect_words import capability_names
from falcokit.cli.options import Json, ProjectDir  # noqa: TC001  typer reads the annotations

__all__ = ["build"]


def build(*, project: ProjectDir = Path(), as_json: Json = False) -> None:
    """Build the plugin's library."""
    from falcokit.project import load_project  # noqa: PLC0415

    found = load_project(project)
    from falcokit.native.build import build as build_library  # noqa: PLC0415  cffi is slow to load

    result = build_library(found)
    if as_json:
        console.json_line(
            {
                "name": result.name,
                "library": str(result.library),
                "compiled": result.compiled,
                "seconds": round(result.seconds, 3),
                "metadata": result.metadata,
            }
        )
        return
    for warning in result.metadata["warnings"]:
        console.warning(warning)
    how = "compiled" if result.compiled else "nothing to compile"
    console.message(f"built {result.name} in {result.seconds:.2f} s ({how})")
    console.message(f"capabilities: {capability_names(result.metadata['capabilities'])}")
    console.data(str(result.library))
