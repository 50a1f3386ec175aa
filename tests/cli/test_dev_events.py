# SPDX-License-Identifier: Apache-2.0
"""Single events beside the statistics, for dev's screen, and what rules say of each."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.build.about import library_about
from falcokit.build.build_project import build
from falcokit.cli.options import DevOptions
from falcokit.cli.rules_of_run import RulesOfRun
from falcokit.project.settings import load_project
from falcokit.runner.run import Runner, RunOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Baseline

SECONDS = 30.0
RULES = """\
- rule: Loads
  desc: d
  condition: evt.asynctype = load_watch_load and evt.num > 0
  output: o
  priority: INFO
- rule: Never
  desc: d
  condition: evt.asynctype = load_watch_load and evt.asynctype = other
  output: o
  priority: INFO
- rule: Elsewhere
  desc: d
  condition: evt.num > 0
  output: o
  priority: INFO
  enabled: false
"""


def read(runner: Runner, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + SECONDS
    while not enough(found):
        assert time.monotonic() < deadline, found[-3:]
        found += runner.read(0.1)
    return found


def test_so_many_events_a_second_are_reported_whole_and_all_are_counted(
    baseline: Baseline,
) -> None:
    options = RunOptions(
        library=baseline.async_only, init_config='{"async":1000000000}', stats_ms=100,
        events_per_second=10,
    )  # fmt: skip

    def three(found: list[dict[str, Any]]) -> bool:
        return sum(report["report"] == "stats" for report in found) >= 10

    with Runner(options) as runner:
        found = read(runner, three)
    events = [report for report in found if report["report"] == "event"]
    stats = [report for report in found if report["report"] == "stats"]
    seconds = stats[-1]["elapsed_ms"] / 1000
    assert [event["number"] for event in events[:10]] == list(range(1, 11)), "the first at once"
    assert 10 <= len(events) <= 10 + 10 * (seconds + 1)
    assert stats[-1]["events"] > len(events)


def test_an_event_is_explained_by_each_rule_of_its_source(project: Path) -> None:
    found_project = load_project(project)
    built = build(found_project)
    file = project / "rules.yaml"
    file.write_text(RULES)
    rules = RulesOfRun(DevOptions(project=project), explained=True)
    begun = rules.begin([file], library_about(built.metadata))
    assert begun is not None
    options = RunOptions(library=built.library, stats_ms=50, events_per_second=5, rows=begun[0])
    events: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []
    with Runner(options) as runner:

        def follow(found: list[dict[str, Any]]) -> bool:
            for report in found[len(seen) :]:
                seen.append(report)
                events.extend(rules.follow(report))
            return any(report["report"] == "alert" for report in events)

        read(runner, follow)
    number = next(report["number"] for report in events if report["report"] == "event")
    (answer,) = rules.follow({"report": "explain_event", "number": number})
    assert answer["known"]
    verdicts = {rule["rule"]: rule for rule in answer["rules"]}
    assert {name: rule["answer"] for name, rule in verdicts.items()} == {
        "Loads": "true",
        "Never": "false",
    }
    assert "false     evt.asynctype = 'other'" in verdicts["Never"]["text"]
    assert "load_watch_load" in verdicts["Never"]["text"]
    (unknown,) = rules.follow({"report": "explain_event", "number": 999_999})
    assert (unknown["known"], unknown["rules"]) == (False, [])


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1048577"])
def test_the_runner_refuses_a_number_that_makes_no_sense(wrong: str, baseline: Baseline) -> None:
    import subprocess

    from falcokit.runner.program import build_runner

    done = subprocess.run(
        [build_runner(), "--plugin", baseline.async_only, "--events-per-second", wrong],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--events-per-second: not a number that makes sense here" in done.stderr
