# SPDX-License-Identifier: Apache-2.0
"""The checks of the project."""

from __future__ import annotations

import sys
from typing import Final

from falcokit.cli.doctor.table import Check, NothingError, Subject, TroubleError, WorryError
from falcokit.cli.environment import has_module, missing_requirements
from falcokit.cli.format import capability_names, count_of
from falcokit.errors import FalcokitError
from falcokit.project.plugin_config import checked_json, plugin_text

__all__ = ["OF_PROJECT"]


def _project(subject: Subject) -> str:
    project = subject.project
    if project is None:
        raise NothingError("not in a project's folder")
    checked_json(plugin_text("init_config", option=None, project=project))
    plugin_text("open_params", option=None, project=project)
    return str(project.file)


def _dependencies(subject: Subject) -> str:
    project = subject.need_project()
    missing = missing_requirements(project.dependencies)
    if missing:
        raise TroubleError(f"missing: {', '.join(missing)}")
    return f"{count_of(len(project.dependencies), 'requirement')} met"


def _plugin(subject: Subject) -> str:
    subject.need_project()
    about = subject.about()
    return f"{about.plugin} {about.version}: {capability_names(about.capabilities)}"


def _rules(subject: Subject) -> str:
    project = subject.need_project()
    if not project.rules:
        raise NothingError("there are no rules/*.yaml")
    from falcokit.cli.rules import check_files  # noqa: PLC0415

    ruleset = check_files(project.rules, subject.need_about())
    if ruleset.errors:
        raise TroubleError(count_of(len(ruleset.errors), "error"))
    if ruleset.warnings:
        raise WorryError(count_of(len(ruleset.warnings), "warning"))
    return f"{count_of(len(project.rules), 'file')} without a fault"


def _registry(subject: Subject) -> str:
    project = subject.need_project()
    repository = project.package.repository
    if repository is None:
        raise NothingError("no repository in [tool.falcokit.package]")
    if not has_module("oras"):
        raise WorryError("oras is not installed, which `falcokit publish` uses")
    from falcokit.package.registry.login import find_login  # noqa: PLC0415

    registry = repository.partition("/")[0]
    try:
        login = find_login(registry)
    except FalcokitError as e:
        raise WorryError(e.message, e.hint) from e
    if login is None:
        raise WorryError(f"there is no login for {registry}", f"docker login {registry}")
    return f"there is a login for {registry}"


OF_PROJECT: Final = (
    Check(
        name="project",
        what="pyproject.toml, and the init config and open params in it",
        fix="falcokit init NAME makes one that is right",
        look=_project,
    ),
    Check(
        name="dependencies",
        what="the project's dependencies, in this Python",
        fix=f"{sys.executable} -m pip install what is missing, or uv sync",
        look=_dependencies,
    ),
    Check(
        name="plugin",
        what="the plugin's class",
        fix="mend the line that is named; falcokit build shows the same",
        look=_plugin,
    ),
    Check(
        name="rules",
        what="the project's rules",
        fix="falcokit check shows each with its line",
        look=_rules,
    ),
    Check(
        name="registry",
        what="what publishing needs",
        fix=f"{sys.executable} -m pip install 'falcokit[publish]'",
        look=_registry,
    ),
)
