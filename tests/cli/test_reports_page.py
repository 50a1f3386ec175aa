# SPDX-License-Identifier: Apache-2.0
"""docs/cli.md: its table of reports has what a run with rules writes, and each key of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from falcokit.cli.app import app

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*) \| .*? \|$", PAGE, re.MULTILINE))
RULES = """\
- rule: Every event
  desc: d
  condition: evt.type = load_watch_load and evt.hostname != somewhere
  output: o
  priority: INFO
- rule: Loads
  desc: d
  condition: evt.asynctype = load_watch_load
  output: host %evt.hostname
  priority: INFO
- rule: Never
  desc: d
  condition: evt.type = load_watch_load and evt.arg.data = x
  output: o
  priority: INFO
"""


def test_each_report_is_in_the_manual(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    Path("r.yaml").write_text(RULES)
    result = CliRunner().invoke(app, ["run", "-n", "2", "--json", "--explain", "--rules", "r.yaml"])
    assert result.exit_code == 0, result.output
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    kinds = {report["report"] for report in reports}
    assert kinds >= {"rules", "alert", "rule_counts", "explanations", "event", "closed"}
    missing = {
        f"{report['report']}: {key}"
        for report in reports
        for key in report.keys() - {"report"}
        if not re.search(rf"\b{key}\b", ROWS[report["report"]])
    }
    assert missing == set()
