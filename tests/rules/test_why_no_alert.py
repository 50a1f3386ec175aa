# SPDX-License-Identifier: Apache-2.0
"""docs/why-no-alert.md: each mistake, and the command whose first line names it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from typer.testing import CliRunner

from falcokit.cli.app import app
from falcokit.project.scaffold import generate_project

pytestmark = pytest.mark.usefixtures("quick_builds")

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "why-no-alert.md").read_text()
#: What `run` says of the run itself.
OF_THE_RUN = re.compile(r"running|alerts: |closed ")
LEFT_OUT = "..."
#: The project's folder in the page.
ROOT = "/home/you/gate"

#: What the first line has to name, in the order of the page.
CAUSES = {
    "1. A field that does not exist": ["no field gate.wo;", "no field gate.dor;"],
    "2. The wrong source": ["no plugin has the source 'gates'", "the rule has source: syscall"],
    "3. An async event that nobody declares": ["async event gate_ful ", "event type gate_ful;"],
    "4. `evt.type` on a plugin's source": ["no field evt.type;", "no field evt.arg.data;"],
    "5. An earlier rule takes the events": [
        "'Somebody at the south door (gate)', which is before it, is true",
        "rules before it take the events for which it is true (1 of 4): 'Late guests (gate)'",
    ],
    "6. The priority is too low": ["Notice is below Warning", "Debug is below Informational"],
    "7. A field without its argument": ["gate.ticket needs an argument: gate.ticket[key]"] * 2,
    "8. A comparison that can never hold": [
        "gate.percent < 0 is never true",
        "-1 is 18446744073709551615",
    ],
    "9. A clause that no event passes": [
        "no event passed gate.who = 'Ada' (0 of 4): gate.who is 'ada', 'ben', 'cy'",
        "no event passed gate.percent > 100 (0 of 4)",
    ],
    "10. Two clauses that no event has both": [
        "both gate.door = 'north' (1 of 4) and gate.percent > 50 (3 of 4)",
        "both evt.asynctype = 'gate_full' (1 of 4) and gate.who exists (3 of 4)",
    ],
    "What nobody but Falco can tell": ["only a real Falco can tell whether evt.hostname"],
}


class Example(NamedTuple):
    section: str
    rules: str
    command: str
    printed: list[str]


def _examples() -> list[Example]:
    pair = re.compile(
        r"^```yaml\n(.*?)^```\n\n^```console\n\$ falcokit (.*?)\n(.*?)^```\n",
        re.DOTALL | re.MULTILINE,
    )
    sections = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)[1:]
    return [
        Example(title, rules, command, printed.splitlines())
        for title, text in zip(sections[::2], sections[1::2], strict=True)
        for rules, command, printed in pair.findall(text)
    ]


EXAMPLES = _examples()
NAMED = [cause for causes in CAUSES.values() for cause in causes]


def test_each_reason_has_its_examples() -> None:
    assert [each.section for each in EXAMPLES] == [
        section for section, causes in CAUSES.items() for _ in causes
    ]
    assert len(EXAMPLES) == PAGE.count("```yaml") == PAGE.count("```console")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("why") / "gate"
    made: Path = generate_project("gate", root=root, template="source-extract").root
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (made / "src" / "gate.py").write_text(code)
    return made


@pytest.mark.parametrize(
    ("example", "cause"),
    [
        pytest.param(example, cause, id=re.sub(r"\W+", "-", cause))
        for example, cause in zip(EXAMPLES, NAMED, strict=True)
    ],
)
def test_the_first_line_names_the_cause(
    project: Path, monkeypatch: pytest.MonkeyPatch, example: Example, cause: str
) -> None:
    monkeypatch.chdir(project)
    (project / "rules" / "gate_rules.yaml").write_text(example.rules)
    result = CliRunner().invoke(app, shlex.split(example.command))
    if example.command.startswith("check"):
        said = [*result.stdout.splitlines(), *result.stderr.splitlines()]
    else:
        assert result.exit_code == 0, result.output
        said = [line for line in result.stderr.splitlines() if not OF_THE_RUN.match(line)]
    printed = [line.replace(ROOT, str(project)) for line in example.printed if line != LEFT_OUT]
    assert said == printed
    assert cause in said[0]


ROWS = re.findall(r"^\| `(\w+: .+)` \| `(.+)` \|$", PAGE, re.MULTILINE)


def test_the_table_has_rows() -> None:
    assert len(ROWS) == 5


@pytest.mark.parametrize(("line", "said"), ROWS)
def test_a_further_mistake_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    monkeypatch.chdir(project)
    (rule,) = yaml.safe_load(EXAMPLES[0].rules)
    key, _, value = line.partition(": ")
    nights = {"list": "night_guests", "items": ["eve"]}
    other = {**rule, "rule": "Eve (gate)", "condition": "gate.who in (night_guests)"}
    items = [nights, other, {**rule, "condition": "gate.who = ada", key: value}]
    (project / "rules" / "gate_rules.yaml").write_text(yaml.safe_dump(items))
    assert said in CliRunner().invoke(app, ["check"]).stdout.splitlines()[0]


def test_the_rule_of_the_guide_has_its_alert(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (DOCS / "rules.md").read_text().partition("## In Python")[0]
    (rules,) = re.findall(r"^```yaml\n(.*?)^```\n", guide, re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(project)
    (project / "rules" / "gate_rules.yaml").write_text(rules)
    assert CliRunner().invoke(app, ["check"]).stderr.strip() in guide
    result = CliRunner().invoke(app, ["run", "-n", "4"])
    (alert,) = [line for line in result.stdout.splitlines() if line.startswith(" alert ")]
    assert re.sub(r"[\d:.]{15}", "13:30:37.908085", alert) in guide.splitlines()
    assert "alerts: Full (gate) 1" in result.stderr
