# SPDX-License-Identifier: Apache-2.0
"""docs/rules.md: its example runs and prints what it says, its tables have all codes."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest
import yaml

from falcokit.rules import LoadedPlugin, RulesFile, load_rules, plugin_fields

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text()
CODE = re.compile(r"\b(?:LOAD|CHECK)_[A-Z_]+[A-Z]\b")


def test_the_example_prints_what_it_says() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "rules.md", "exec"), {})
    said = re.findall(r"^    # (.*)$", code, re.MULTILINE)
    assert printed.getvalue().splitlines() == [*said, "2"]


def test_the_tables_have_every_code() -> None:
    used = {
        code
        for file in (ROOT / "falcokit" / "rules").glob("*.py")
        for code in re.findall(r'"((?:LOAD|CHECK)_[A-Z_]+)"', file.read_text())
    }
    assert set(CODE.findall(PAGE.partition("## Loading")[2])) == used


ROWS = re.findall(
    r"^\| `(.+)` \| `(.+)` \|$",
    PAGE.partition("## Why no alert")[2].partition("## Writing rules")[0],
    re.MULTILINE,
)


def test_there_are_rows() -> None:
    assert len(ROWS) == 17


@pytest.mark.parametrize(("change", "said"), ROWS)
def test_why_there_is_no_alert(change: str, said: str) -> None:
    key, _, value = change.partition(": ")
    rule = {
        "rule": "Shell on a server",
        "desc": "Somebody started a shell.",
        "condition": "acme.program in (shells) and not acme.user = root",
        "output": "%acme.user started %acme.program",
        "priority": "WARNING",
        "source": "acme",
        key: value,
    }
    before = {**rule, "rule": "Any shell", "condition": "acme.program in (bash, sh)"}
    before |= {"source": "acme", "priority": "WARNING", "enabled": True, "output": "o"}
    lists = [{"list": name, "items": ["bash", "zsh"]} for name in ("shells", "shells_list")]
    unused = {**before, "rule": "Other", "condition": "acme.user in (shells, shells_list)"}
    items = [*lists, unused, *([before] if "severity > 5" in value else []), rule]
    argument = {"isKey": True, "isRequired": True}
    fields = [
        {"name": "acme.user", "type": "string"},
        {"name": "acme.program", "type": "string"},
        {"name": "acme.severity", "type": "uint64"},
        {"name": "acme.header", "type": "string", "arg": argument},
    ]
    acme = LoadedPlugin(
        name="acme",
        version="0.1.0",
        event_source="acme",
        extract_sources=("acme",),
        fields=plugin_fields(fields),
        async_events=("login",),
    )
    content = yaml.safe_dump(items).encode()
    ruleset = load_rules([RulesFile(name="r", content=content)], plugins=[acme], priority="notice")
    assert said in str((*ruleset.errors, *ruleset.warnings)[0])
