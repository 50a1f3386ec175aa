# SPDX-License-Identifier: Apache-2.0
"""A rule of the project's that has the name of one of Falco's own is warned of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from falcokit.package.artifact.rules import check_rule_names

if TYPE_CHECKING:
    from pathlib import Path

BODY = "\n  desc: d\n  condition: evt.type = x\n  output: o\n  priority: INFO\n"


@pytest.mark.parametrize(
    ("rules", "warned"),
    [
        (f"- rule: Terminal shell in container{BODY}", 1),
        (f"- rule: 'Terminal shell in container'{BODY}", 1),
        (f"- rule: Terminal shell in container (load-watch){BODY}", 0),
        (f"# - rule: Terminal shell in container{BODY}", 0),
        (f"- rule: A{BODY}- rule: Write below etc{BODY}- rule: Reverse{BODY}", 1),
        ("- rule: Write below etc\n  condition: and x\n  override: {condition: append}\n", 0),
        (f"- rule: Write below etc\n  append: true{BODY}- rule: Write below root{BODY}", 1),
        ("not: [rules", 0),
    ],
)
def test_a_name_of_falcos_own_is_warned_of(tmp_path: Path, rules: str, warned: int) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yaml").write_text(rules)
    found = check_rule_names(tmp_path, "load-watch")
    assert len(found) == warned
    for problem in found:
        assert problem.severity == "warning"
        assert "rules/mine.yaml: Falco has its own rule" in problem.sentence
        assert problem.hint.endswith("(load-watch)")


def test_without_rules_there_is_nothing_to_warn_of(tmp_path: Path) -> None:
    assert check_rule_names(tmp_path, "load-watch") == []
