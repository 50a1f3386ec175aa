# SPDX-License-Identifier: Apache-2.0
"""What Falco 0.45.1 reads in a falco.yaml, as was recorded of a real one; used by several folders.

Three things of its reading change what a plugin is given: environment variables, the types that
plain YAML values get in an init config that is a map, and `[]` and `{}`, which become null there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from falcokit.project.falco_yaml import PluginEntry, with_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Loaded", "read_configuration"]

_PLUGIN_KEYS = {"name", "library_path", "init_config", "open_params"}


class Loaded:
    """One plugin as Falco would start it; what it is not given is an empty text."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        assert entry.keys() <= _PLUGIN_KEYS, f"Falco warns of {entry.keys() - _PLUGIN_KEYS}"
        read = PluginEntry(entry)
        self.name, self.library_path = read.name, read.library_path
        self.init_config = read.init_config or ""
        self.open_params = read.open_params or ""


def read_configuration(text: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the configuration with every value as text, `plugins` as `Loaded`."""
    document = yaml.load(text, Loader=yaml.BaseLoader)
    found: dict[str, Any] = with_variables(document, environment or {})
    found["plugins"] = [Loaded(entry) for entry in found["plugins"]]
    return found
