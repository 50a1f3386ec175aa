# SPDX-License-Identifier: Apache-2.0
"""`falcokit build`: build/lib<name>.so from the author's class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.build.about import library_about
from falcokit.build.build_project import build as build_library
from falcokit.build.metadata import to_json
from falcokit.cli import console
from falcokit.cli.format import capability_names
from falcokit.cli.rules import check_files, problems_object, warn_of_rules
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from falcokit.cli.options import BuildOptions

__all__ = ["build"]


def build(options: BuildOptions) -> None:
    """Build the library and report where it is."""
    project = load_project(options.project)
    result = build_library(project)
    ruleset = check_files(project.rules, library_about(result.metadata)) if project.rules else None
    if options.as_json:
        console.json_line(
            {
                "name": result.name,
                "library": str(result.library),
                "compiled": result.compiled,
                "seconds": round(result.seconds, 3),
                "metadata": to_json(result.metadata),
                "rules": problems_object(ruleset) if ruleset else None,
            }
        )
        return
    for warning in result.metadata.warnings:
        console.warning(warning)
    if ruleset:
        warn_of_rules(ruleset, project.root)
    how = "compiled" if result.compiled else "nothing to compile"
    console.message(f"built {result.name} in {result.seconds:.2f} s ({how})")
    console.message(f"capabilities: {capability_names(result.metadata.capabilities)}")
    console.data(str(result.library))
