# SPDX-License-Identifier: Apache-2.0
"""What a deployment of a plugin needs, as text to paste, apply or build from.

Plain data becomes YAML; what a reader has to know stands above it as a comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falcokit.errors import ConfigError
from falcokit.package.deploy import install as deploy_install
from falcokit.package.deploy import listing as deploy_listing
from falcokit.package.deploy.facts import DeployFacts

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "DeployFacts", "deploy_text"]

KINDS: Final[dict[str, Callable[[DeployFacts], str]]] = {
    "falco": deploy_install.falco,
    "helm": deploy_install.helm,
    "operator": deploy_install.operator,
    "dockerfile": deploy_install.dockerfile,
    "index": deploy_listing.index,
    "registry": deploy_listing.registry,
}


def deploy_text(kind: str, facts: DeployFacts) -> str:
    """Return the text for one of `KINDS`.

    Raises:
        ConfigError: there is no such kind.

    """
    make = KINDS.get(kind)
    if make is None:
        raise ConfigError(f"there is no deployment {kind!r}", hint=f"one of {', '.join(KINDS)}")
    return make(facts)
