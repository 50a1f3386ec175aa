# SPDX-License-Identifier: Apache-2.0
"""Rules files against the recorded answers of a real Falco: errors, warnings, places and alerts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from golden_fields import RECORDED
from golden_rules import golden_batch, load

from falcokit.rules import Engine

if TYPE_CHECKING:
    from golden_fields import GoldenFields

    from falcokit.rules import Problem, Ruleset

EXPECTED: dict[str, Any] = json.loads((RECORDED / "expected.json").read_text())
CASES = RECORDED / "cases"


def options_of(case: str) -> dict[str, str]:
    first = (CASES / f"{case}.yaml").read_text().partition("\n")[0]
    found: dict[str, str] = {"rule_matching": "first", "priority": "debug"}
    if first.startswith("# options: "):
        found |= json.loads(first.removeprefix("# options: "))
    return found


def loaded(golden: GoldenFields, case: str) -> Ruleset:
    return load(golden, (CASES / f"{case}.yaml").read_bytes(), **options_of(case))


def falcos(problems: tuple[Problem, ...]) -> list[dict[str, Any]]:
    shown = []
    for problem in problems:
        if not problem.is_falcos:
            continue
        entry: dict[str, Any] = {"code": problem.code}
        if problem.code.startswith("LOAD_"):
            entry["at"] = [
                {
                    "item_type": location.kind,
                    "item_name": location.name,
                    "line": location.line,
                    "column": location.column,
                }
                for location in problem.locations
            ]
        else:  # refused by Falco with a text alone
            entry["code"] = None
        shown.append(entry)
    return shown


def recorded(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: entry[key] for key in ("code", "at") if key in entry} for entry in entries]


def test_the_record_is_whole() -> None:
    assert len(EXPECTED) == 162
    assert {file.stem for file in CASES.glob("*.yaml")} == set(EXPECTED)


@pytest.mark.parametrize("case", EXPECTED)
def test_a_file_is_loaded_as_by_falco(golden: GoldenFields, case: str) -> None:
    ruleset = loaded(golden, case)
    expected = EXPECTED[case]["validate"]
    assert falcos(ruleset.errors) == recorded(expected["errors"])
    assert falcos(ruleset.warnings) == recorded(expected["warnings"])
    for problem in (*ruleset.errors, *ruleset.warnings):
        assert problem.message
        assert problem.line >= 1
        assert problem.column >= 1


@pytest.mark.parametrize("case", [case for case in EXPECTED if "alerts" in EXPECTED[case]])
@pytest.mark.parametrize("size", [18, 1], ids=["in one batch", "one by one"])
def test_the_alerts_are_those_of_falco(golden: GoldenFields, case: str, size: int) -> None:
    ruleset = loaded(golden, case)
    engine = Engine(ruleset, **options_of(case))  # type: ignore[arg-type]
    alerts = [
        alert
        for start in range(0, 18, size)
        for alert in engine.process(golden_batch(golden, range(start, start + size)))
    ]
    assert not any(alert.possible or alert.unknown_fields for alert in alerts)
    shown = [alert.to_json() | {"message": alert.message} for alert in alerts]
    expected = EXPECTED[case]["alerts"]
    assert (
        [{key: each[key] for key in expected[0]} for each in shown] == expected
        if expected
        else (shown == [])
    )
    for each in shown:
        assert list(each["output_fields"]) == sorted(each["output_fields"])
    assert sum(count.alerts for count in engine.counts.values()) == len(expected)
