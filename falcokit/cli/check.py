# SPDX-License-Identifier: Apache-2.0
"""`falcokit check`: the rules of a project against what its plugin has, as Falco loads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from falcokit.build.about import library_about
from falcokit.build.build_project import describe_project
from falcokit.cli import console
from falcokit.cli.format import count_of
from falcokit.cli.rules import check_files, problem_line, problems_object
from falcokit.errors import ConfigError, RulesError
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from falcokit.cli.options import CheckOptions

__all__ = ["check"]

_EXIT_ERRORS: Final = RulesError.exit_code


def check(options: CheckOptions) -> int:
    """Check the rules and write what is wrong with them, a line each; return the exit code."""
    project = load_project(options.project)
    # As they would be written from here, so that editors and people find them.
    files = options.rules or tuple(Path(os.path.relpath(file)) for file in project.rules)
    if not files:
        raise ConfigError(
            f"there are no rules in {project.root / 'rules'}",
            hint="write rules/NAME_rules.yaml, or name the files: falcokit check RULES.yaml",
        )
    ruleset = check_files(
        files,
        library_about(describe_project(project)),
        rule_matching=options.rule_matching,
        priority=options.priority,
    )
    errors, warnings = ruleset.errors, ruleset.warnings
    if options.as_json:
        console.json_line(problems_object(ruleset))
    else:
        console.data_lines(map(problem_line, (*errors, *warnings)))
        found = f"{count_of(len(errors), 'error')}, {count_of(len(warnings), 'warning')}"
        console.message(f"{count_of(len(files), 'file')} checked: {found}")
    return _EXIT_ERRORS if errors else 0
