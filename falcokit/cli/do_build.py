# SPDX-License-Identifier: Apache-2.0
"""What `falcokit build` does."""

from __future__ import annotations

from pathlib import Path

from falcokit.build.build_project import build as build_library
from falcokit.cli import console
from falcokit.cli.format import capability_names
from falcokit.project.settings import load_project

__all__ = ["do"]


def do(*, project: Path = Path(), as_json: bool = False) -> None:
    """Build the library and tell where it is."""
    result = build_library(load_project(project))
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
