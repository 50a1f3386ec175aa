# SPDX-License-Identifier: Apache-2.0
"""The reference of an artifact, as `falcoctl artifact install` accepts it, and its parts.

Plain HTTP is for a registry on this machine (localhost, 127.0.0.0/8, ::1) and always used there;
every other registry is reached by HTTPS.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Final

from falcokit.errors import PublishError

__all__ = ["Reference", "is_this_machine", "parse_reference"]

_HINT: Final = "for instance ghcr.io/acme/plugins/plugin/ticker"
_HOST: Final = re.compile(
    r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}))?"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LONGEST_REPOSITORY: Final = 255
_LAST_PORT: Final = 65535
#: Docker's hub answers under a different name.
_HUB: Final = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A registry, a repository there, and a tag if one was given."""

    registry: str
    """Host and port, as given."""
    repository: str
    tag: str | None = None

    @property
    def name(self) -> str:
        """Registry and repository, as `falcoctl artifact install` takes them."""
        return f"{self.registry}/{self.repository}"

    @property
    def is_loopback(self) -> bool:
        """Whether the registry is on this machine."""
        match = _HOST.fullmatch(self.registry)
        return match is not None and is_this_machine(match.group(1))

    @property
    def base_url(self) -> str:
        """Where the registry's API begins."""
        host = _HUB.get(self.registry.lower(), self.registry)
        return f"{'http' if self.is_loopback else 'https'}://{host}/v2/"

    def rules(self) -> Reference:
        """Return the reference of the rules: /ruleset/NAME for /plugin/NAME, else NAME-rules."""
        head, slash, last = self.repository.rpartition("/")
        if head == "plugin" or head.endswith("/plugin"):
            return replace(self, repository=f"{head.removesuffix('plugin')}ruleset{slash}{last}")
        return replace(self, repository=f"{self.repository}-rules")


def is_this_machine(host: str) -> bool:
    """Return whether `host`, given without a port, is this machine."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_reference(text: str) -> Reference:
    """Split REGISTRY/REPOSITORY[:TAG].

    Raises:
        PublishError: it is not a reference. It is shown only if it cannot contain a password.

    """
    if "://" in text or "@" in text:
        raise PublishError(
            "the reference must be REGISTRY/REPOSITORY[:TAG], without https://, a user, a password"
            " or a digest",
            hint=f"{_HINT}; log in with docker login REGISTRY",
        )
    registry, _, rest = text.partition("/")
    repository, colon, tag = rest.partition(":")
    match = _HOST.fullmatch(registry)
    is_host = registry == "localhost" or "." in registry or ":" in registry
    if match is None or not is_host or int(match.group(2) or 0) > _LAST_PORT:
        raise PublishError(f"{text!r} does not begin with a registry", hint=_HINT)
    if not _REPOSITORY.fullmatch(repository) or len(repository) > _LONGEST_REPOSITORY:
        raise PublishError(
            f"{text!r} has no valid repository: {repository!r}",
            hint=f"use lowercase letters and digits, with . _ - between them; {_HINT}",
        )
    if colon and not _TAG.fullmatch(tag):
        raise PublishError(
            f"{text!r} has no valid tag: {tag!r}",
            hint="use letters, digits, . _ and -, at most 128 characters",
        )
    return Reference(registry=registry, repository=repository, tag=tag or None)
