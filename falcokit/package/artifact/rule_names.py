# SPDX-License-Identifier: Apache-2.0
"""Rules of the project that have the same name as one of Falco's own rules.

A second rule with the same name silently replaces the first if their sources are the same;
otherwise Falco does not start. The names in falco_rule_names.txt are those of falcosecurity/rules
of June 2026: stable, incubating, sandbox.
"""

from __future__ import annotations

from pathlib import Path

from falcokit.errors import PackageError
from falcokit.package.artifact.checks import Problem
from falcokit.package.artifact.rules_artifact import find_rules
from falcokit.package.artifact.rules_head import read_items

__all__ = ["check_rule_names"]


def check_rule_names(root: Path, plugin: str) -> list[Problem]:
    """Warn of each rule of the project that has the name of one of Falco's."""
    falcos = set(Path(__file__).with_name("falco_rule_names.txt").read_text("utf-8").splitlines())
    return [
        Problem(
            severity="warning",
            sentence=f"rules/{file.name}: Falco has its own rule {name!r}: in its default"
            " configuration one of the two replaces the other, or Falco does not start",
            hint=f"add the plugin's name to the rule's: {name} ({plugin})",
        )
        for file in find_rules(root)
        for name in _defined(file)
        if name in falcos
    ]


def _defined(file: Path) -> list[str]:
    """Return the names of new rules, not of those that change an existing rule."""
    try:
        items = read_items(file, file.read_bytes())
    except (OSError, PackageError):
        return []  # packing the rules reports it
    return [
        item["rule"]
        for item in items
        if isinstance(item.get("rule"), str) and not item.keys() & {"override", "append"}
    ]
