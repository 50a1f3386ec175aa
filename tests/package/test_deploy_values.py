# SPDX-License-Identifier: Apache-2.0
"""Init config and open params in a deployment reach the plugin as they are, whatever they hold."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
import yaml
from falco_reading import read_configuration
from plugin_metadata import from_json

from falcokit.package.deploy.deploy import KINDS, DeployFacts, deploy_text

#: What a real Falco 0.45.1 has refused or retyped in an init config that was a YAML map.
DEFAULTS = {
    "threshold": 4.0,
    "users": [],
    "labels": {},
    "inner": {"a": {}, "b": [], "c": None},
    "texts": ["0123", "1.10", "yes", "on", "true", "1e5", "0x10", "~", "", "null", "é 😀 '\"\n"],
    "home": "${HOME}/$${HOME}/$HOME",
}
SCHEMA = {
    "type": "object",
    "properties": {"url": {}, **{key: {"default": value} for key, value in DEFAULTS.items()}},
    "required": ["url"],
}


def of_plugin(**members: Any) -> DeployFacts:
    return DeployFacts(plugin=from_json(name="load_watch", **members), license=None)


ASYNC = of_plugin(init_schema=SCHEMA)
SOURCE = of_plugin(capabilities=["source"])
KINDS_WITH_CONFIG = sorted({*KINDS} - {"index", "registry"})


def given_by(kind: str, facts: DeployFacts) -> tuple[str, str]:
    """Return init config and open params as Falco hands them to the plugin."""
    text = deploy_text(kind, facts)
    if kind == "dockerfile":
        text = text.partition("<<'END' ")[2].partition("\n")[2].removesuffix("END\n")
    found: Any = next(yaml.safe_load_all(text))
    if kind == "operator":  # it writes the values of the resource into a file of Falco's
        config = found["spec"]["config"]
        keys = {"initConfig": "init_config", "openParams": "open_params"}
        entry = {keys[key]: config[key] for key in keys if key in config}
    else:
        (entry,) = (found if kind != "helm" else found["falco"])["plugins"]
    written = {"plugins": [{"name": facts.plugin.name, "library_path": "x.so", **entry}]}
    (loaded,) = read_configuration(yaml.dump(written), {"HOME": "/root"})["plugins"]
    return loaded.init_config, loaded.open_params


@pytest.mark.parametrize("kind", KINDS_WITH_CONFIG)
def test_falco_takes_the_defaults_for_what_they_are(kind: str) -> None:
    init_config, _ = given_by(kind, ASYNC)
    assert json.loads(init_config) == DEFAULTS


@pytest.mark.parametrize("kind", KINDS_WITH_CONFIG)
@pytest.mark.parametrize(
    "params", ["", "plain ${HOME} and ${HOME}", "$5 for ${HOME}", "${HOME", '{"a": "$${HOME}"}']
)
def test_falco_hands_over_the_open_params_as_they_are(kind: str, params: str) -> None:
    _, opened = given_by(kind, dataclasses.replace(SOURCE, open_params=params))
    same = json.loads(opened) == json.loads(params) if params.startswith("{") else opened == params
    assert same, opened


@pytest.mark.parametrize("kind", KINDS_WITH_CONFIG)
def test_a_config_without_defaults_is_left_out(kind: str) -> None:
    # An empty map would reach the plugin's schema as null, and Falco would not start.
    facts = of_plugin(init_schema={"type": "object", "properties": {"a": {}}})
    assert given_by(kind, facts) == ("", "")


def test_defaults_are_found_in_a_schema_that_allows_null() -> None:
    facts = of_plugin(init_schema={"anyOf": [{"type": "null"}, SCHEMA]})
    assert deploy_text("falco", facts) == deploy_text("falco", ASYNC)
