# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the rules of a project, as several commands show it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from falcokit.cli import console
from falcokit.cli.format import count_of
from falcokit.cli.lines import problem_text
from falcokit.errors import RulesError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from falcokit.build.about import LibraryAbout
    from falcokit.rules import Problem, Ruleset, RulesFile

__all__ = [
    "check_files",
    "problem_line",
    "problems_object",
    "refuse_wrong_rules",
    "warn_of_rules",
]


def check_files(
    files: Sequence[Path | RulesFile],
    about: LibraryAbout,
    *,
    rule_matching: str = "first",
    priority: str = "debug",
) -> Ruleset:
    """Load rules for a plugin."""
    # They take a tenth of a second, which what has no rules need not wait for.
    from falcokit.build.loaded_plugin import loaded_plugin  # noqa: PLC0415
    from falcokit.rules import load_rules  # noqa: PLC0415

    return load_rules(
        files, plugins=[loaded_plugin(about)], rule_matching=rule_matching, priority=priority
    )


def problem_line(problem: Problem) -> str:
    """Return a problem as a line: its place first, as compilers write it."""
    color = "red" if problem.severity == "error" else "yellow"
    label = console.paint(problem.severity, color, sys.stdout)
    text = problem_text(problem.to_json())
    place = f"{problem.file}:{problem.line}:{problem.column}"
    return f"{console.printable(place)}: {label}: {console.printable(text)}"


def problems_object(ruleset: Ruleset) -> dict[str, Any]:
    """Return what is wrong with rules as a JSON object."""
    return {
        "errors": [found.to_json() for found in ruleset.errors],
        "warnings": [found.to_json() for found in ruleset.warnings],
    }


def warn_of_rules(ruleset: Ruleset, root: Path) -> None:
    """Show what is wrong with a project's rules as warnings: its plugin is made all the same."""
    for found in (*ruleset.errors, *ruleset.warnings):
        file = found.file.removeprefix(f"{root}/")
        console.warning(f"{file}:{found.line}:{found.column}: {problem_text(found.to_json())}")


def refuse_wrong_rules(errors: int) -> None:
    """Raise RulesError if there are errors, as a Falco with such rules does not start."""
    if errors:
        raise RulesError(
            f"the rules have {count_of(errors, 'error')}: Falco does not start with them",
            hint="mend what is shown above",
        )
