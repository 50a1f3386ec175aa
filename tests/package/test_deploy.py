# SPDX-License-Identifier: Apache-2.0
"""The texts of a deployment: what a YAML reader makes of them, whatever the plugin's texts hold."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from plugin_metadata import as_json, from_json

from falcokit.errors import ConfigError
from falcokit.package.deploy.deploy import KINDS, DeployFacts, deploy_text, to_yaml

HOSTILE = 'It\'s: "x" # y\n- z: {a: [&b]}\r\n\ttab %d é 😀 \x85\u2028\ufeff\x07\nEND\n---\n'
SCHEMA = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "threshold": {"type": "number", "default": 4.0},
        "tiny": {"default": 1e-07},
        "huge": {"default": 1e300},
        "names": {"default": ["yes", "1.5", HOSTILE]},
        "nothing": {"default": None},
        "on": {"default": False},
        "inner": {"default": {"a": {}, "b": []}},
    },
    "required": ["url"],
}
ASYNC = DeployFacts(
    plugin=from_json(
        name="load_watch",
        description=HOSTILE,
        contact="Ada <ada@example.com>",
        capabilities=["async", "parse"],
        init_schema=SCHEMA,
    ),
    license="Apache-2.0",
    repository="ghcr.io/acme/plugins",
    rules=("load_watch_rules.yaml",),
)
SOURCE = DeployFacts(
    plugin=from_json(
        name="ticker",
        version="1.2.3-rc.1",
        description="Ticks",
        contact="https://example.com/#contact: here",
        capabilities=["source", "extract"],
        event_source="ticker",
        plugin_id=1073741824,
        extract_event_sources=["ticker", "other"],
    ),
    license=None,
    open_params='{"path": "/var/log/x: #"}',
    arch="aarch64",
)
PLUGIN = {"name": "ticker", "library_path": "libticker.so", "open_params": SOURCE.open_params}
DEFAULTS = {k: v["default"] for k, v in SCHEMA["properties"].items() if "default" in v}


def of_plugin(**members: Any) -> DeployFacts:
    """Return SOURCE with other members in its plugin."""
    return dataclasses.replace(SOURCE, plugin=from_json(**as_json(SOURCE.plugin) | members))


def load(kind: str, facts: DeployFacts) -> Any:
    return yaml.safe_load(deploy_text(kind, facts))


def test_the_falco_drop_in_holds_the_plugin_and_its_rules() -> None:
    loaded = load("falco", ASYNC)
    assert json.loads(loaded["plugins"][0].pop("init_config")) == DEFAULTS
    assert loaded == {
        "plugins": [{"name": "load_watch", "library_path": "libload_watch.so"}],
        "load_plugins": ["load_watch"],
        "rules_files": ["/etc/falco/load_watch_rules.yaml"],
    }


def test_a_source_plugin_runs_without_a_driver() -> None:
    assert load("falco", SOURCE) == {
        "engine": {"kind": "nodriver"},
        "plugins": [PLUGIN],
        "load_plugins": ["ticker"],
    }
    values = load("helm", SOURCE)
    assert values["driver"] == {"enabled": False}
    assert values["collectors"] == {"enabled": False}
    assert values["controller"]["kind"] == "deployment"
    assert values["falcoctl"]["artifact"]["follow"] == {"enabled": False}
    assert values["falco"]["rules_files"] == ["/etc/falco/rules.d"]
    assert "engine" not in values["falco"], "the chart derives it"
    assert values["falco"]["plugins"] == [PLUGIN]
    (plugin,) = yaml.safe_load_all(deploy_text("operator", SOURCE))
    assert plugin["spec"]["config"] == {"name": "ticker", "openParams": SOURCE.open_params}


def test_a_source_plugin_that_asks_for_syscalls_keeps_the_driver() -> None:
    facts = of_plugin(parse_event_sources=["syscall"])
    assert load("falco", facts) == {"plugins": [PLUGIN], "load_plugins": ["ticker"]}
    values = load("helm", facts)
    assert values.keys() == {"falcoctl", "falco"}
    assert values["falcoctl"]["config"]["artifact"]["install"]["refs"][0] == "falco-rules:5"
    assert "needs no kernel driver" not in deploy_text("operator", facts)


def test_helm_installs_the_artifacts_and_follows_none_of_them() -> None:
    values = load("helm", ASYNC)
    artifact = values["falcoctl"]["config"]["artifact"]
    assert artifact["install"]["refs"] == [
        "falco-rules:5",
        "ghcr.io/acme/plugins/plugin/load_watch:0.1.0",
        "ghcr.io/acme/plugins/ruleset/load_watch:0.1.0",
    ]
    assert artifact["follow"]["refs"] == ["falco-rules:5"]
    assert "driver" not in values, "it runs beside syscalls"
    assert values["falco"]["plugins"] == load("falco", ASYNC)["plugins"]
    assert values["falco"]["load_plugins"] == ["load_watch"]
    assert values["falco"]["rules_files"] == [
        "/etc/falco/falco_rules.yaml",
        "/etc/falco/load_watch_rules.yaml",
        "/etc/falco/rules.d",
    ]


def test_helm_without_rules_leaves_the_charts_rules_alone() -> None:
    values = load("helm", dataclasses.replace(ASYNC, rules=()))
    assert "rules_files" not in values["falco"]
    assert len(values["falcoctl"]["config"]["artifact"]["install"]["refs"]) == 2


def test_the_operator_gets_resources_that_its_schema_allows() -> None:
    plugin, rules = yaml.safe_load_all(deploy_text("operator", ASYNC))
    assert json.loads(plugin["spec"]["config"].pop("initConfig")) == DEFAULTS
    assert plugin == {
        "apiVersion": "artifact.falcosecurity.dev/v1alpha1",
        "kind": "Plugin",
        "metadata": {"name": "load-watch"},
        "spec": {
            "ociArtifact": {
                "image": {"repository": "acme/plugins/plugin/load_watch", "tag": "0.1.0"},
                "registry": {"name": "ghcr.io"},
            },
            "config": {"name": "load_watch"},
        },
    }
    assert rules["kind"] == "Rulesfile"
    assert rules["metadata"]["name"] == "load-watch-rules"
    assert rules["spec"]["ociArtifact"]["image"]["repository"] == (
        "acme/plugins/ruleset/load_watch"
    )
    assert rules["spec"]["priority"] == 50


@pytest.mark.parametrize("name", ["a", "a_b", "a__b", "a_", "a-_", "load_watch"])
def test_resources_have_names_that_kubernetes_allows(name: str) -> None:
    (plugin,) = yaml.safe_load_all(deploy_text("operator", of_plugin(name=name)))
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", plugin["metadata"]["name"])
    assert plugin["spec"]["config"]["name"] == name


def test_a_version_stays_text_in_a_tag() -> None:
    (plugin,) = yaml.safe_load_all(deploy_text("operator", of_plugin(version="1.10")))
    assert plugin["spec"]["ociArtifact"]["image"]["tag"] == "1.10"


@pytest.mark.parametrize(
    ("facts", "platform", "archive"),
    [
        (ASYNC, "linux/amd64", "dist/load_watch-0.1.0-linux-x86_64.tar.gz"),
        (SOURCE, "linux/arm64", "dist/ticker-1.2.3-rc.1-linux-aarch64.tar.gz"),
    ],
)
def test_the_dockerfile_puts_everything_where_falco_looks(
    facts: DeployFacts, platform: str, archive: str
) -> None:
    text = deploy_text("dockerfile", facts)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0] == f"FROM --platform={platform} docker.io/falcosecurity/falco:0.44.1"
    assert lines[1] == f"ADD {archive} /usr/share/falco/plugins/"
    copies = [line for line in lines if line.startswith('COPY --chmod=0644 ["')]
    assert [json.loads(line.removeprefix("COPY --chmod=0644 ")) for line in copies] == [
        [f"rules/{name}", f"/etc/falco/{name}"] for name in facts.rules
    ]
    head = f"COPY --chmod=0644 <<'END' /etc/falco/config.d/{facts.plugin.name}.yaml\n"
    config, _, rest = text.partition(head)[2].partition("\nEND\n")
    assert yaml.safe_load(config) == load("falco", facts)
    assert rest == "", "nothing in the configuration ends it early"


def test_the_index_names_plugin_and_rules() -> None:
    plugin, rules = load("index", ASYNC)
    assert plugin == {
        "name": "load_watch",
        "type": "plugin",
        "registry": "ghcr.io",
        "repository": "acme/plugins/plugin/load_watch",
        "description": HOSTILE,
        "license": "Apache-2.0",
        "maintainers": [{"name": "Ada", "email": "ada@example.com"}],
    }
    assert (rules["name"], rules["type"]) == ("load_watch-rules", "rulesfile")
    assert rules["repository"] == "acme/plugins/ruleset/load_watch"


def test_without_a_repository_there_is_a_place_to_fill_in() -> None:
    (plugin,) = load("index", SOURCE)
    assert plugin["registry"] == "ghcr.io"
    assert plugin["repository"] == "OWNER/REPOSITORY/plugin/ticker"
    assert "license" not in plugin
    assert plugin["maintainers"] == [{"name": SOURCE.plugin.contact}]


@pytest.mark.parametrize(
    ("repository", "registry", "path"),
    [
        ("localhost:5000", "localhost:5000", "plugin/ticker"),
        ("localhost:5000/a/b/", "localhost:5000", "a/b/plugin/ticker"),
    ],
)
def test_registry_and_path_are_told_apart(repository: str, registry: str, path: str) -> None:
    (entry,) = load("index", dataclasses.replace(SOURCE, repository=repository))
    assert (entry["registry"], entry["repository"]) == (registry, path)


def test_the_registry_entry_tells_id_source_and_extraction() -> None:
    (entry,) = load("registry", SOURCE)
    assert entry["capabilities"] == {
        "sourcing": {"supported": True, "id": 1073741824, "source": "ticker"},
        "extraction": {"supported": True, "sources": ["ticker", "other"]},
    }
    assert entry["contact"] == SOURCE.plugin.contact
    assert "set license in [project]" in deploy_text("registry", SOURCE)


def test_the_registry_entry_asks_for_an_id_in_place_of_999() -> None:
    text = deploy_text("registry", of_plugin(plugin_id=999))
    assert "ask for the next free one" in text
    assert "ask for the next free one" not in deploy_text("registry", SOURCE)


def test_a_source_of_syscalls_reserves_no_id() -> None:
    facts = of_plugin(plugin_id=0, event_source="")
    (entry,) = load("registry", facts)
    assert entry["capabilities"].keys() == {"extraction"}


def test_an_async_plugin_supports_neither_of_the_registrys_two() -> None:
    (entry,) = load("registry", ASYNC)
    assert entry["description"] == HOSTILE
    assert entry["capabilities"] == {
        "sourcing": {"supported": False},
        "extraction": {"supported": False},
    }


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"index", "registry"}))
def test_what_has_no_default_is_said(kind: str) -> None:
    assert "# The init config must also have: url.\n" in deploy_text(kind, ASYNC)
    assert "must also have" not in deploy_text(kind, SOURCE)


def test_an_unknown_kind_is_refused_with_the_list() -> None:
    with pytest.raises(ConfigError, match="no deployment 'nomad'") as caught:
        deploy_text("nomad", ASYNC)
    assert caught.value.hint == "one of falco, helm, operator, dockerfile, index, registry"


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_the_same_each_time_and_end_with_a_line(kind: str) -> None:
    assert deploy_text(kind, ASYNC) == deploy_text(kind, ASYNC)
    assert deploy_text(kind, ASYNC).endswith("\n")
    assert not deploy_text(kind, ASYNC).endswith("\n\n")


@pytest.mark.parametrize(
    "text",
    ["", " ", "yes", "No", "NULL", "~", "1", "1.5", "1e3", "0x1f", "0o17", "1:30", "2020-01-01",
     "-", "- a", "a: b", "a:", "a #b", "#a", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "'a",
     '"', "\\", "{}", "[]", "a,b", ".inf", ".nan", "=", "<<", "?", "a\n", "\0", "\x7f", "\ud800",
     "/etc/falco", "ghcr.io/a/b:1.0", "http://x", "true", "a: ", "---", "..."],
)  # fmt: skip
def test_text_stays_the_text_it_was(text: str) -> None:
    for value in (text, [text], {"k": text}, {text: [text, {text: text}]}):
        assert yaml.safe_load(to_yaml(value)) == value
        assert yaml.load(to_yaml(value), Loader=yaml.BaseLoader) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json_comes_back(value: Any) -> None:
    assert yaml.safe_load(to_yaml(value)) == value
