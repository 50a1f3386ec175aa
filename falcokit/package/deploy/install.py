# SPDX-License-Identifier: Apache-2.0
"""What brings a plugin into Falco: falco.yaml, Helm values, operator resources, a Dockerfile.

A plugin with an event source of its own runs without a kernel driver, unless it asks for system
calls too; all others run beside Falco's own events.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from falcokit.package.deploy.facts import (
    comment,
    config_notes,
    plugin_config,
    plugin_input,
    reference,
    registry_path,
)
from falcokit.package.deploy.yaml import to_yaml

if TYPE_CHECKING:
    from falcokit.package.deploy.facts import DeployFacts

__all__ = ["dockerfile", "falco", "helm", "operator"]

_FALCO: Final = "docker.io/falcosecurity/falco:0.44.1"
_PLUGINS: Final = "/usr/share/falco/plugins"
_ETC: Final = "/etc/falco"
_FALCO_RULES: Final = "falco-rules:5"
_PLATFORMS: Final = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}


def falco(facts: DeployFacts) -> str:
    """Return a drop-in for the configuration of Falco on a host."""
    head = [
        f"Put this into {_ETC}/config.d/{facts.name}.yaml, lib{facts.name}.so into {_PLUGINS}.",
        "Falco 0.41 and newer adds these lists to those of falco.yaml; for older, merge them.",
        *config_notes(facts),
    ]
    return comment(head) + to_yaml(_drop_in(facts))


def _drop_in(facts: DeployFacts) -> dict[str, Any]:
    """Return a file for config.d, whose lists Falco adds to its own."""
    engine = {"engine": {"kind": "nodriver"}} if facts.is_alone else {}
    rules = {"rules_files": [f"{_ETC}/{name}" for name in facts.rules]} if facts.rules else {}
    return {
        **engine,
        "plugins": [plugin_config(facts)],
        "load_plugins": [facts.name],
        **rules,
    }


def helm(facts: DeployFacts) -> str:
    """Return values for the official chart, which installs the artifact when a pod starts."""
    refs = [reference(facts, "plugin"), *([reference(facts, "ruleset")] if facts.rules else [])]
    own = {"artifact": {"install": {"refs": refs}}}
    head = [
        "Values for the chart falcosecurity/falco:",
        f"  helm upgrade --install falco falcosecurity/falco -f {facts.name}-values.yaml",
        "The plugin is installed before Falco starts, and not followed: an update in place would",
        "end the Falco that runs. A new version is a new tag here.",
        *config_notes(facts),
    ]
    if facts.is_alone:
        values: dict[str, Any] = {
            "driver": {"enabled": False},
            "collectors": {"enabled": False},
            "controller": {"kind": "deployment", "deployment": {"replicas": 1}},
            "falcoctl": {"artifact": {"follow": {"enabled": False}}, "config": own},
        }
    else:
        own["artifact"] = {
            "install": {"refs": [_FALCO_RULES, *refs]},
            "follow": {"refs": [_FALCO_RULES]},
        }
        values = {"falcoctl": {"config": own}}
    return comment(head) + to_yaml({**values, "falco": _helm_falco(facts)})


def _helm_falco(facts: DeployFacts) -> dict[str, Any]:
    """Return the chart's `falco`, whose lists take the place of the chart's own."""
    usual = [] if facts.is_alone else ["falco_rules.yaml"]
    files = [f"{_ETC}/{name}" for name in (*usual, *facts.rules, "rules.d")]
    return {
        "plugins": [plugin_config(facts)],
        "load_plugins": [facts.name],
        **({"rules_files": files} if facts.rules or facts.is_alone else {}),
    }


def operator(facts: DeployFacts) -> str:
    """Return the resources by which the Falco Operator installs the artifacts."""
    resource = facts.name.replace("_", "-").rstrip("-")  # Kubernetes allows no underscores
    plugin = _resource("Plugin", resource, facts, "plugin")
    given = plugin_input(facts, "initConfig", "openParams")
    plugin["spec"]["config"] = {"name": facts.name, **given}
    head = [
        "Resources for the Falco Operator, v0.3 or newer: kubectl apply -n NAMESPACE -f this file.",
        "It takes artifacts of one file only: package without --layout dir.",
        *config_notes(facts),
    ]
    if facts.is_alone:
        head.append("Falco is to run as `type: Deployment`, which needs no kernel driver.")
    text = comment(head) + to_yaml(plugin)
    if facts.rules:
        rules = _resource("Rulesfile", f"{resource}-rules", facts, "ruleset")
        rules["spec"]["priority"] = 50
        text += "---\n" + to_yaml(rules)
    return text


def _resource(kind: str, name: str, facts: DeployFacts, artifact: str) -> dict[str, Any]:
    registry, path = registry_path(facts, artifact)
    image = {"repository": path, "tag": facts.version}
    return {
        "apiVersion": "artifact.falcosecurity.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"ociArtifact": {"image": image, "registry": {"name": registry}}},
    }


def dockerfile(facts: DeployFacts) -> str:
    """Return how to build an image of Falco that has the plugin, its rules and configuration."""
    archive = f"{facts.name}-{facts.version}-linux-{facts.arch}.tar.gz"
    head = [
        "Falco with the plugin inside, for clusters that reach no registry but their own; set",
        "falcoctl.artifact.install.enabled and falcoctl.artifact.follow.enabled to false in the",
        "chart: its emptyDir would hide the plugin. In the project's folder, with BuildKit:",
        f"  docker build -t falco-{facts.name}:{facts.version} -f THIS_FILE .",
        *config_notes(facts),
    ]
    rules = [
        f"COPY --chmod=0644 {json.dumps([f'rules/{name}', f'{_ETC}/{name}'])}"
        for name in facts.rules
    ]
    lines = [
        f"FROM --platform={_PLATFORMS[facts.arch]} {_FALCO}",
        "# ADD unpacks the archive.",
        f"ADD dist/{archive} {_PLUGINS}/",
        *rules,
        f"COPY --chmod=0644 <<'END' {_ETC}/config.d/{facts.name}.yaml",
    ]
    return comment(head) + "\n".join(lines) + f"\n{to_yaml(_drop_in(facts))}END\n"
