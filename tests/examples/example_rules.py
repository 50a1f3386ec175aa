# SPDX-License-Identifier: Apache-2.0
"""Where the examples are, and what the tests beside it use of a project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["EXAMPLES", "Built", "rules_of"]

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, kw_only=True)
class Built:
    """A template's project or an example, in a folder of the test run, and its library."""

    root: Path
    library: Path


def rules_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the rules of a project by name, with macros put into their conditions."""
    (file,) = (folder / "rules").glob("*.yaml")
    items = yaml.safe_load(file.read_text())
    macros = {item["macro"]: item["condition"] for item in items if "macro" in item}
    rules = {item["rule"]: item for item in items if "rule" in item}
    for rule in rules.values():
        for name, condition in macros.items():
            rule["condition"] = rule["condition"].replace(name, condition)
    return rules
