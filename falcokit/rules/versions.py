# SPDX-License-Identifier: Apache-2.0
"""Versions that rules files require: of the engine and of plugins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from falcokit.rules.definitions import PluginRequirement

__all__ = ["ENGINE_VERSION", "Version", "engine_version", "unmet"]

#: Of the engine of Falco 0.45, whose loader this room follows.
ENGINE_VERSION: Final = "0.63.0"

# As Falco's sscanf reads it: what follows the third number does not count.
_VERSION: Final = re.compile(
    r"[ \t\n\v\f\r]*([+-]?\d{1,20})\.[ \t\n\v\f\r]*([+-]?\d{1,20})\.[ \t\n\v\f\r]*([+-]?\d{1,20})",
    re.ASCII,
)


class Version(NamedTuple):
    """A semantic version."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Return the version that a text begins with, None if it does not begin with one."""
        found = _VERSION.match(text)
        return cls(*(int(part) % 2**32 for part in found.groups())) if found else None

    def is_compatible_with(self, required: Version) -> bool:
        """Whether this fits who requires `required`: the same major version, and no older one."""
        return self.major == required.major and self >= required

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def engine_version() -> Version:
    """Return the version of Falco's engine that rules are loaded for."""
    return Version(*map(int, ENGINE_VERSION.split(".")))


def unmet(
    requirements: Iterable[PluginRequirement], plugins: Mapping[str, str]
) -> tuple[PluginRequirement, str] | None:
    """Return the first requirement that the loaded plugins do not meet, and why; None if all are.

    `plugins` has the version of each loaded plugin by its name.
    """
    for requirement in requirements:
        reason = _unmet(requirement, plugins)
        if reason is not None:
            return requirement, reason
    return None


def _unmet(requirement: PluginRequirement, plugins: Mapping[str, str]) -> str | None:
    for name, required in requirement.alternatives:
        if name not in plugins:
            continue
        version, needed = Version.parse(plugins[name]), Version.parse(required)
        if version is None:
            return f"plugin {name!r} has the version {plugins[name]!r}, which is none such as 1.2.3"
        if needed is None or not version.is_compatible_with(needed):
            return f"plugin {name!r} has version {plugins[name]}, and the rules need {required}"
        return None
    needed_ones = " or ".join(
        f"{name} (>= {version})" for name, version in requirement.alternatives
    )
    return f"a plugin that the rules need is not loaded: {needed_ones}"
