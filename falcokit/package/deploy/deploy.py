# SPDX-License-Identifier: Apache-2.0
"""What a deployment of a plugin needs, as text to paste, apply or build from.

Each kind is a template in the folder next to this file. A plugin with an event source of its own
runs without a kernel driver, unless it also extracts from system calls; all others run in addition
to Falco's own events.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from falcokit.errors import ConfigError
from falcokit.project.falco_config import json_text, unexpanded
from falcokit.project.scaffold import render_template

if TYPE_CHECKING:
    from falcokit.build.metadata import PluginMetadata

__all__ = ["KINDS", "DeployFacts", "deploy_text", "to_yaml"]

KINDS: Final = ("falco", "helm", "operator", "dockerfile", "index", "registry")

_TEMPLATES: Final = Path(__file__).with_name("templates")
_REPOSITORY: Final = "ghcr.io/OWNER/REPOSITORY"
_RULES_URL: Final = "https://github.com/OWNER/REPOSITORY/tree/main/rules"
_PLATFORMS: Final = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
_DEVELOPMENT_ID: Final = 999


@dataclass(frozen=True, kw_only=True)
class DeployFacts:
    """What the texts are made of."""

    plugin: PluginMetadata
    license: str | None
    arch: str = "x86_64"
    open_params: str = ""
    """What its event source is opened with."""
    repository: str | None = None
    """Registry and path that artifacts are under: "ghcr.io/acme/plugins"."""
    rules: tuple[str, ...] = ()
    """File names of its rules; with any, there is a rules artifact."""

    @property
    def is_source(self) -> bool:
        """Whether it has an event source of its own."""
        return "source" in self.plugin.capabilities

    @property
    def is_alone(self) -> bool:
        """Whether it runs without Falco's own events, and so without a kernel driver."""
        meta = self.plugin
        parts = (meta.extract, meta.parse, meta.async_event)
        return self.is_source and all("syscall" not in part.event_sources for part in parts)


def deploy_text(kind: str, facts: DeployFacts) -> str:
    """Return the text for one of `KINDS`.

    Raises:
        ConfigError: there is no such kind.

    """
    if kind not in KINDS:
        raise ConfigError(f"there is no deployment {kind!r}", hint=f"one of {', '.join(KINDS)}")
    template = "helm-alone" if kind == "helm" and facts.is_alone else kind
    return _render(f"{template}.in", _values(kind, facts))


def _render(template: str, values: dict[str, str]) -> str:
    return render_template(_TEMPLATES / template, values)


def _values(kind: str, facts: DeployFacts) -> dict[str, str]:
    """Return what the marks of the templates stand for; a mark alone in its line may be empty."""
    registry, _, path = (facts.repository or _REPOSITORY).strip("/").partition("/")
    paths = [
        "/".join(part for part in (path, artifact, facts.plugin.name) if part)
        for artifact in (("plugin", "ruleset") if facts.rules else ("plugin",))
    ]
    texts = {
        "plugin_name": facts.plugin.name,
        "tag": facts.plugin.version,
        "description": facts.plugin.description,
        "contact": facts.plugin.contact,
        "registry": registry,
        "plugin_path": paths[0],
        "rules_path": paths[-1],
        # Kubernetes allows no underscores.
        "resource": facts.plugin.name.replace("_", "-").rstrip("-"),
    }
    capabilities, registry_notes = _registry_capabilities(facts)
    blocks: dict[str, Any] = {
        "engine": {"engine": {"kind": "nodriver"}} if facts.is_alone else {},
        "plugin": [
            {"name": facts.plugin.name, "library_path": f"lib{facts.plugin.name}.so"}
            | _plugin_input(facts, "init_config", "open_params")
        ],
        "operator_config": _plugin_input(facts, "initConfig", "openParams"),
        "rules_files": _rules_files(kind, facts),
        "references": [f"{registry}/{path}:{facts.plugin.version}" for path in paths],
        "license": {"license": facts.license} if facts.license else {},
        "maintainer": [_maintainer(facts)],
        "rules_url": {"rules_url": _RULES_URL} if facts.rules else {},
        "capabilities": capabilities,
    }
    values = {
        "name": facts.plugin.name,
        "version": facts.plugin.version,
        "arch": facts.arch,
        "platform": _PLATFORMS[facts.arch],
        "config_notes": _comment(_config_notes(facts)),
        "registry_notes": _comment(registry_notes),
        "deployment_note": _comment(
            ["Falco must run as `type: Deployment`, which needs no kernel driver."]
            if facts.is_alone
            else []
        ),
        "copy_rules": "".join(
            f"COPY --chmod=0644 {json.dumps([f'rules/{name}', f'/etc/falco/{name}'])}\n"
            for name in facts.rules
        ),
        **{mark: to_yaml(text).rstrip("\n") for mark, text in texts.items()},
        **{mark: to_yaml(data) if data else "" for mark, data in blocks.items()},
    }
    values["drop_in"] = _render("drop-in.yaml.in", values)
    rules = {"rules_resource": "operator-rules.yaml.in", "rules_entry": "index-rules.yaml.in"}
    return values | {
        mark: _render(template, values) if facts.rules else "" for mark, template in rules.items()
    }


def _rules_files(kind: str, facts: DeployFacts) -> dict[str, list[str]]:
    """Return the list that Falco adds to its own, or that takes the place of the chart's own."""
    names = list(facts.rules)
    if kind == "helm" and (names or facts.is_alone):
        names = [*([] if facts.is_alone else ["falco_rules.yaml"]), *names, "rules.d"]
    return {"rules_files": [f"/etc/falco/{name}" for name in names]} if names else {}


def _plugin_input(facts: DeployFacts, config: str, params: str) -> dict[str, str]:
    """Return the init config and the open params under these keys, where there are any."""
    properties = _object(facts.plugin.init_schema).get("properties", {})
    defaults = {key: item["default"] for key, item in properties.items() if "default" in item}
    opened = {params: unexpanded(facts.open_params)} if facts.is_source else {}
    return {**({config: json_text(defaults)} if defaults else {}), **opened}


def _object(schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return the part of a schema that describes an object: the config may also be null."""
    forms = [schema or {}, *((schema or {}).get("anyOf") or ())]
    return next((form for form in forms if "properties" in form), {})


def _config_notes(facts: DeployFacts) -> list[str]:
    """Say what has no default and must be filled in, and in which form."""
    required = _object(facts.plugin.init_schema).get("required", [])
    names = ", ".join(str(name) for name in required if str(name).isprintable())
    notes = [f"The init config must also have: {names}."] if names else []
    if facts.plugin.init_schema:
        notes.append("The init config is quoted JSON: in a YAML map Falco guesses the types.")
    return notes


def _registry_capabilities(facts: DeployFacts) -> tuple[dict[str, Any], list[str]]:
    """Return what the plugin registry asks for, and notes on what the author must still do."""
    notes = []
    if not facts.license:
        notes.append("It requires a licence: set license in [project] of pyproject.toml.")
    capabilities: dict[str, Any] = {}
    source = facts.plugin.source
    if source and source.event_source:  # else its events are those of syscalls
        if source.plugin_id == _DEVELOPMENT_ID:
            notes.append("The ID 999 is for development: ask for the next free one.")
        capabilities["sourcing"] = {
            "supported": True,
            "id": source.plugin_id,
            "source": source.event_source,
        }
    if "extract" in facts.plugin.capabilities:
        names = facts.plugin.extract.event_sources  # none means all
        sources = {"sources": list(names)} if names else {}
        capabilities["extraction"] = {"supported": True, **sources}
    if not capabilities:
        notes.append("The registry has no entries for async events, parsing and listening.")
        capabilities = {"sourcing": {"supported": False}, "extraction": {"supported": False}}
    return capabilities, notes


def _maintainer(facts: DeployFacts) -> dict[str, str]:
    name, address = parseaddr(facts.plugin.contact)
    if "@" not in address:
        return {"name": facts.plugin.contact}
    return {"name": name or address.partition("@")[0], "email": address}


def _comment(lines: list[str]) -> str:
    return "".join(f"# {line}\n" for line in lines)


#: Starts with a letter or a slash, so it is not a number or a date.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, and nothing is shared between two places."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "'" if '"' in text and text.isprintable() else '"'
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, None if is_plain else style)


_Dumper.add_representer(str, _represent_text)


def to_yaml(value: Any) -> str:
    """Write dictionaries, lists, text, numbers, booleans and None."""
    text = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=math.inf)
    return text.removesuffix("...\n")  # the mark after a document that is a plain scalar
