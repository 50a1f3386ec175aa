# SPDX-License-Identifier: Apache-2.0
"""Rules that Falco's plugins ship load without an error, and what is found in them is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from falcokit.rules import Engine, EventBatch, LoadedPlugin, Ruleset, load_rules, plugin_fields

FOLDER = Path(__file__).parent / "falcosecurity"
PLUGINS: dict[str, Any] = json.loads((FOLDER / "fields.json").read_text())


def field(name: str, kind: str, *more: str) -> dict[str, Any]:
    argument = next((each.removeprefix("arg:") for each in more if each.startswith("arg:")), "")
    flags = {"isRequired": "r", "isIndex": "i", "isKey": "k"}
    return {
        "name": name,
        "type": kind,
        "isList": "list" in more,
        "arg": {flag: letter in argument for flag, letter in flags.items()},
    }


def plugin(name: str) -> LoadedPlugin:
    facts = PLUGINS[name]
    return LoadedPlugin(
        name=name,
        version=facts["version"],
        event_source=facts["source"],
        extract_sources=(facts["source"],) if facts["source"] else (),
        fields=plugin_fields(field(*entry) for entry in facts["fields"]),
    )


def loaded(file: str, *plugins: str) -> Ruleset:
    return load_rules([FOLDER / file], plugins=[plugin(name) for name in plugins])


@pytest.mark.parametrize(
    ("file", "name", "count"),
    [
        ("github.yaml", "github", 15),
        ("okta_rules.yaml", "okta", 21),
        ("aws_cloudtrail_rules.yaml", "cloudtrail", 22),
    ],
)
def test_the_rules_of_a_plugin(file: str, name: str, count: int) -> None:
    ruleset = loaded(file, name, "json")
    assert ruleset.errors == ()
    assert len(ruleset.rules) == count
    assert [str(found) for found in ruleset.warnings if found.is_falcos] == []


def test_two_rules_of_cloudtrail_never_fire() -> None:
    ruleset = loaded("aws_cloudtrail_rules.yaml", "cloudtrail", "json")
    hidden = [found.message for found in ruleset.warnings]
    assert len(hidden) == 2
    assert "'Console Root Login Without MFA' never fires: 'Console Login Without MFA'" in hidden[0]
    assert "'Run Instances in Non-approved Region' never fires: 'Run Instances'" in hidden[1]


def test_without_the_plugin_that_they_need() -> None:
    (error,) = loaded("okta_rules.yaml").errors
    assert "okta (>= 0.11.0)" in error.message


def test_an_event_of_github() -> None:
    values = {"github.type": ["ping", "push"], "github.owner": ["me", "me"]}
    ruleset = loaded("github.yaml", "github", "json")
    events = EventBatch(
        "github", [1, 2], [0, 0], lambda each: values.get(each.written, [None, None])
    )
    (alert,) = Engine(ruleset).process(events)
    assert alert.rule == "Webhook Connected"
    assert alert.message == (
        "A github webhook was linked to this Falco instance (ID=<NA> type=<NA> owner=me user=<NA>)"
    )
