# SPDX-License-Identifier: Apache-2.0
"""Names of rules against those of Falco's own, with which they share one space of names.

A second rule of a name replaces the first without a word where their sources are the same; else
Falco does not start. No YAML is parsed: PyYAML is not everywhere. The names in falco_rule_names.txt
are those of falcosecurity/rules of June 2026: stable, incubating, sandbox.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from falcokit.package.artifact.checks import Problem
from falcokit.package.artifact.rules_artifact import find_rules

__all__ = ["check_rule_names"]

_ITEM: Final = re.compile(
    r"^-[ \t]+rule:[ \t]*(.+?)[ \t]*$(.*?)(?=^-|\Z)", re.MULTILINE | re.DOTALL
)
#: What is meant for a rule that is there already.
_CHANGES: Final = re.compile(r"^[ \t]+(override|append):", re.MULTILINE)


def check_rule_names(root: Path, plugin: str) -> list[Problem]:
    """Warn of the project's rules that have the name of one of Falco's."""
    falcos = set(Path(__file__).with_name("falco_rule_names.txt").read_text("utf-8").splitlines())
    return [
        Problem(
            severity="warning",
            sentence=f"rules/{file.name}: Falco has a rule {name!r} of its own: in its default"
            " configuration one of the two replaces the other, or Falco does not start",
            hint=f"put the plugin's name into the rule's: {name} ({plugin})",
        )
        for file in find_rules(root)
        for name in _defined(file)
        if name in falcos
    ]


def _defined(file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8", errors="replace")
    except OSError:
        return []  # packing the rules says it
    items = _ITEM.findall(text)
    return [name.strip("'\"") for name, rest in items if not _CHANGES.search(rest)]
