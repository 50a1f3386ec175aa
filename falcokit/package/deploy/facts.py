# SPDX-License-Identifier: Apache-2.0
"""What all texts of a deployment are made of, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from falcokit.project.falco_config import json_text, unexpanded

__all__ = [
    "DeployFacts",
    "comment",
    "config_notes",
    "plugin_config",
    "plugin_input",
    "reference",
    "registry_path",
]

_REPOSITORY: Final = "ghcr.io/OWNER/REPOSITORY"


@dataclass(frozen=True, kw_only=True)
class DeployFacts:
    """What the texts are made of."""

    name: str
    version: str
    description: str
    contact: str
    license: str | None
    capabilities: tuple[str, ...]
    arch: str = "x86_64"
    event_source: str | None = None
    plugin_id: int | None = None
    sources: tuple[str, ...] = ()
    """The event sources whose events it extracts fields from; none means all."""
    wants_syscalls: bool = False
    """Whether it asks for the events of Falco's own source, "syscall"."""
    open_params: str = ""
    """What its event source is opened with."""
    repository: str | None = None
    """Registry and path that artifacts are under: "ghcr.io/acme/plugins"."""
    rules: tuple[str, ...] = ()
    """File names of its rules; with any, there is a rules artifact."""
    init_schema: dict[str, Any] | None = None

    @property
    def is_source(self) -> bool:
        """Whether it has an event source of its own."""
        return "source" in self.capabilities

    @property
    def is_alone(self) -> bool:
        """Whether it does without Falco's own events, and so without a kernel driver."""
        return self.is_source and not self.wants_syscalls


def plugin_config(facts: DeployFacts) -> dict[str, Any]:
    """Return the plugin's entry in `plugins` of falco.yaml."""
    entry = {"name": facts.name, "library_path": f"lib{facts.name}.so"}
    return {**entry, **plugin_input(facts, "init_config", "open_params")}


def plugin_input(facts: DeployFacts, config: str, params: str) -> dict[str, str]:
    """Return the init config and the open params, as far as there are any, under these keys."""
    defaults = _defaults(facts)
    opened = {params: unexpanded(facts.open_params)} if facts.is_source else {}
    return {**({config: json_text(defaults)} if defaults else {}), **opened}


def registry_path(facts: DeployFacts, artifact: str) -> tuple[str, str]:
    """Return the registry and the path in it, as falcosecurity lays its own out."""
    registry, _, path = (facts.repository or _REPOSITORY).strip("/").partition("/")
    return registry, "/".join(part for part in (path, artifact, facts.name) if part)


def reference(facts: DeployFacts, artifact: str) -> str:
    """Return what falcoctl installs the artifact by."""
    registry, path = registry_path(facts, artifact)
    return f"{registry}/{path}:{facts.version}"


def _defaults(facts: DeployFacts) -> dict[str, Any]:
    """Return the defaults of the init config, as its schema tells them."""
    properties = _object(facts.init_schema).get("properties", {})
    return {key: item["default"] for key, item in properties.items() if "default" in item}


def _object(schema: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a schema says of the config where it is one: it may be null, too."""
    forms = [schema or {}, *((schema or {}).get("anyOf") or ())]
    return next((form for form in forms if "properties" in form), {})


def config_notes(facts: DeployFacts) -> list[str]:
    """Say what has no default and must be filled in, and in which form."""
    required = _object(facts.init_schema).get("required", [])
    names = ", ".join(str(name) for name in required if str(name).isprintable())
    notes = [f"The init config must also have: {names}."] if names else []
    if facts.init_schema:
        notes.append("The init config is JSON in quotes: of a YAML map Falco guesses the types.")
    return notes


def comment(lines: list[str]) -> str:
    """Write lines above the data."""
    return "".join(f"# {line}\n" for line in lines)
