# SPDX-License-Identifier: Apache-2.0
"""`falcokit build`: build/lib<name>.so from the author's class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.build.build_project import build as build_library
from falcokit.build.metadata import to_json
from falcokit.cli import console
from falcokit.cli.format import capability_names
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from falcokit.cli.options import BuildOptions

__all__ = ["build"]


def build(options: BuildOptions) -> None:
    """Build the library and report where it is."""
    result = build_library(load_project(options.project))
    if options.as_json:
        console.json_line(
            {
                "name": result.name,
                "library": str(result.library),
                "compiled": result.compiled,
                "seconds": round(result.seconds, 3),
                "metadata": to_json(result.metadata),
            }
        )
        return
    for warning in result.metadata.warnings:
        console.warning(warning)
    how = "compiled" if result.compiled else "nothing to compile"
    console.message(f"built {result.name} in {result.seconds:.2f} s ({how})")
    console.message(f"capabilities: {capability_names(result.metadata.capabilities)}")
    console.data(str(result.library))
