# SPDX-License-Identifier: Apache-2.0
"""Where a problem is shown: at the character in the file that is wrong, however it got there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from golden_rules import load

if TYPE_CHECKING:
    from golden_fields import GoldenFields

HEAD = "- rule: A\n  desc: d\n"
TAIL = '  output: "%evt.num"\n  priority: INFO\n  source: goldens\n'

#: The mistake is what stands between the marks.
CASES = {
    "plain": HEAD + "  condition: g.s=a and «g.zz»=1\n" + TAIL,
    "single quotes": HEAD + "  condition: 'g.s=''a'' and «g.zz»=1'\n" + TAIL,
    "double quotes": HEAD + '  condition: "g.s=\\"\\u0061\\" \\\n    and «g.zz»=1"\n' + TAIL,
    "literal": HEAD + "  condition: |\n    g.s=a\n    and «g.zz»=1\n" + TAIL,
    "folded": HEAD + "  condition: >-\n    g.s=a\n\n      and\n    «g.zz»=1\n" + TAIL,
    "several lines": HEAD + "  condition: g.s=a\n    and\n    «g.zz»=1\n" + TAIL,
    "after letters": HEAD + "  condition: g.s='é中😀' and «g.zz»=1\n" + TAIL,
    "anchor": HEAD + "  condition: &c g.s=a and «g.zz»=1\n" + TAIL,
    "behind a list": "- list: l\n  items: [a, b, c, d, e, f]\n"
    + HEAD
    + "  condition: g.s in (l) and g.t in (l) and «g.zz»=1\n"
    + TAIL,
    "in an item": "- list: l\n  items: [1, x]\n" + HEAD + "  condition: g.u in («l»)\n" + TAIL,
    "with exceptions": HEAD
    + "  condition: g.s=a and «g.zz»=1\n"
    + "  exceptions: [{name: e, fields: g.s, values: [a]}]\n"
    + TAIL,
    "appended": HEAD
    + "  condition: g.s=a\n"
    + TAIL
    + "- rule: A\n  condition: or\n    «g.zz»=1\n  override: {condition: append}\n",
    "in a macro": "- macro: m\n  condition: g.s=a or «g.zz»=1\n"
    + HEAD
    + "  condition: g.s=b and m\n"
    + TAIL,
    "in a macro's macro": "- macro: n\n  condition: (g.s=a or «g.zz»=1)\n"
    "- macro: m\n  condition: g.s=a or n\n" + HEAD + "  condition: g.s=b and m\n" + TAIL,
    "a macro that is none": HEAD + "  condition: g.s=a and «nothing»\n" + TAIL,
    "grammar": HEAD + "  condition: (g.s=a and g.t=b) «c»\n" + TAIL,
    "operator": HEAD + "  condition: g.s=a and g.u «contains» 1\n" + TAIL,
    "value": HEAD + "  condition: g.s=a and g.u=«x»\n" + TAIL,
    "output": HEAD + '  condition: g.s=a\n  output: "a %g.s b «%g.zz»"\n  priority: INFO\n'
    "  source: goldens\n",
    "output in lines": HEAD + "  condition: g.s=a\n  output: >\n    a %g.s\n    b «%g.zz»\n"
    "  priority: INFO\n  source: goldens\n",
    "priority": HEAD + "  condition: g.s=a\n  output: o\n  priority: «LOUD»\n",
    "warning in a macro": "- macro: m\n  condition: >\n    g.u=1\n    or g.t regex «'abc'»\n"
    + HEAD
    + "  condition: g.s=a and m\n"
    + TAIL,
    "warning": HEAD + "  condition: g.s=a and g.t regex «'abc'»\n" + TAIL,
}


@pytest.mark.parametrize("case", CASES)
def test_the_place_is_where_the_mistake_stands(golden: GoldenFields, case: str) -> None:
    marked = CASES[case]
    before = marked[: marked.index("«")]
    content = marked.replace("«", "").replace("»", "")
    ruleset = load(golden, content)
    problems = ruleset.errors or ruleset.warnings
    assert len(problems) == 1
    expected = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert (problems[0].line, problems[0].column) == expected, problems[0].message


def test_falcos_columns_count_bytes(golden: GoldenFields) -> None:
    content = (
        "- {rule: é, desc: d, condition: 'g.zz=1', output: o, priority: INFO, source: goldens}\n"
    )
    (error,) = load(golden, content).errors
    assert error.locations[2].column == len(content[: content.index("'")].encode())
    assert error.column == content.index("g.zz") + 1


def test_a_problem_is_a_line_and_json(golden: GoldenFields) -> None:
    (error,) = load(golden, CASES["plain"].replace("«", "").replace("»", "")).errors
    assert str(error).startswith("rules.yaml:3:24: error: there is no field g.zz")
    assert str(error).endswith("[LOAD_ERR_COMPILE_CONDITION]")
    shown = error.to_json()
    assert {key: shown[key] for key in ("code", "file", "line", "column")} == {
        "code": "LOAD_ERR_COMPILE_CONDITION",
        "file": "rules.yaml",
        "line": 3,
        "column": 24,
    }
    assert error.locations[-1].to_json()["item_type"] == "condition expression"
