# SPDX-License-Identifier: Apache-2.0
"""Conditions against the recorded answers of a real Falco: matches, refusals and warnings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from golden_fields import RECORDED

from falcokit.filter.condition import compile_condition
from falcokit.filter.errors import FilterError
from falcokit.filter.grammar import parse
from falcokit.filter.tree import text_of

if TYPE_CHECKING:
    from golden_fields import GoldenFields

#: Which Python decides which engine `regex` has.
pytestmark = pytest.mark.python

CASES: list[dict[str, Any]] = json.loads((RECORDED / "conditions.json").read_text())

#: Falco's refusals by what they begin with or have in them, and ours for the same reason.
REASONS = {
    "unrecognized boolean value": "neither true nor false",
    "expected a ']' token": "closed by ']'",
    "operator not supported": "does not apply to",
    "is not a valid number": "not a whole number",
    "expected a number value": "expected a number",
    "expected a string value": "quote is not closed",
    "unsupported string escape": "there is no escape",
    "invalid regex pattern: no argument for": "RE2: no argument for repetition operator",
    "unrecognized IPv4 address": "is not an IPv4 address",
    "unrecognized IP network": "is not an IP network",
    "expected a valid check operator": "expected an operator",
    "expected field transformer argument": "expected a field, a transformer, a quoted text",
    "has incompatible type": " is CHARBUF, and val(",
    "expected a ')' token": "expected ',' or ')'",
    "unexpected token after 'val'": "is for the right-hand side",
    "unexpected token after 'storage'": "expected 'and' or 'or' after 'storage'",
    "can't add field transformer": "does not take",
    "unknown field ": "takes two arguments or more",
}


def test_the_record_is_whole() -> None:
    assert len(CASES) == 194


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["condition"])
def test_a_condition_answers_as_in_falco(golden: GoldenFields, case: dict[str, Any]) -> None:
    text = case["condition"]
    if "error" in case:
        with pytest.raises(FilterError) as caught:
            compile_condition(parse(text), golden.catalog, text)
        (ours,) = {ours for theirs, ours in REASONS.items() if theirs in case["error"][1]}
        assert ours in caught.value.reason
        return
    condition = compile_condition(parse(text), golden.catalog, text)
    batch = golden.batch()
    true, _ = condition.evaluate(batch)
    assert [n + 1 for n in range(batch.size) if true >> n & 1] == case["events"]
    warned = [message for _, message in case.get("warnings", [])]
    assert len(condition.warnings) == len(warned)
    assert all("regex" in warning.message for warning in condition.warnings)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["condition"])
def test_a_tree_is_written_as_it_is_read(golden: GoldenFields, case: dict[str, Any]) -> None:
    if "error" not in case:
        written = text_of(parse(case["condition"]))
        assert text_of(parse(written)) == written
        condition = compile_condition(parse(written), golden.catalog, written)
        batch = golden.batch()
        true, _ = condition.evaluate(batch)
        assert [n + 1 for n in range(batch.size) if true >> n & 1] == case["events"]


def test_a_single_event_is_a_batch_of_one(golden: GoldenFields) -> None:
    from falcokit.filter.batch import Batch

    for case in CASES:
        if "error" not in case:
            condition = compile_condition(parse(case["condition"]), golden.catalog, "")
            for n in range(18):
                batch = Batch(1, lambda field, n=n: golden.read(field)[n : n + 1])  # type: ignore[misc]
                assert condition.evaluate(batch).true == (n + 1 in case["events"])
