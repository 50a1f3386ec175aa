# SPDX-License-Identifier: Apache-2.0
"""The entries of a plugin in falcoctl's index.yaml and in the plugin registry's registry.yaml."""

from __future__ import annotations

from email.utils import parseaddr
from typing import TYPE_CHECKING, Any, Final

from falcokit.package.deploy.facts import comment, registry_path
from falcokit.package.deploy.yaml import to_yaml

if TYPE_CHECKING:
    from falcokit.package.deploy.facts import DeployFacts

__all__ = ["index", "registry"]

_PROJECT: Final = "https://github.com/OWNER/REPOSITORY"
_DEVELOPMENT_ID: Final = 999


def index(facts: DeployFacts) -> str:
    """Return entries by which falcoctl finds the artifacts under their short names."""
    entries = [_index_entry(facts, "plugin")]
    if facts.rules:
        entries.append(_index_entry(facts, "ruleset"))
    head = ["An entry for the index.yaml of `falcoctl index add`. Versions are the tags."]
    return comment(head) + to_yaml(entries)


def _index_entry(facts: DeployFacts, artifact: str) -> dict[str, Any]:
    registry, path = registry_path(facts, artifact)
    is_plugin = artifact == "plugin"
    return {
        "name": facts.name if is_plugin else f"{facts.name}-rules",
        "type": "plugin" if is_plugin else "rulesfile",
        "registry": registry,
        "repository": path,
        "description": facts.description if is_plugin else f"Rules for the plugin {facts.name}",
        **({"license": facts.license} if facts.license else {}),
        "maintainers": [_maintainer(facts)],
    }


def registry(facts: DeployFacts) -> str:
    """Return the entry that reserves name, ID and event source for all of Falco's users."""
    head = [
        "An entry for registry.yaml of github.com/falcosecurity/plugins. Fill in the addresses."
    ]
    if not facts.license:
        head.append("It wants a licence: set license in [project] of pyproject.toml.")
    capabilities: dict[str, Any] = {}
    if facts.is_source and facts.event_source:  # else its events are those of syscalls
        if facts.plugin_id == _DEVELOPMENT_ID:
            head.append("The ID 999 is for development: ask for the next free one.")
        capabilities["sourcing"] = {
            "supported": True,
            "id": facts.plugin_id,
            "source": facts.event_source,
        }
    if "extract" in facts.capabilities:
        sources = {"sources": list(facts.sources)} if facts.sources else {}
        capabilities["extraction"] = {"supported": True, **sources}
    if not capabilities:
        head.append("The registry has no words for async events, parsing and listening.")
        capabilities = {"sourcing": {"supported": False}, "extraction": {"supported": False}}
    entry = {
        "name": facts.name,
        "description": facts.description,
        "authors": facts.contact,
        "contact": facts.contact,
        "maintainers": [_maintainer(facts)],
        "url": _PROJECT,
        **({"rules_url": f"{_PROJECT}/tree/main/rules"} if facts.rules else {}),
        **({"license": facts.license} if facts.license else {}),
        "capabilities": capabilities,
    }
    return comment(head) + to_yaml([entry])


def _maintainer(facts: DeployFacts) -> dict[str, str]:
    name, address = parseaddr(facts.contact)
    if "@" not in address:
        return {"name": facts.contact}
    return {"name": name or address.partition("@")[0], "email": address}
