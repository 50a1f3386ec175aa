# SPDX-License-Identifier: Apache-2.0
"""What Falco 0.45.1 reads in a falco.yaml, as was recorded of a real one; used by several folders.

Three things of its reading change what a plugin is given: environment variables, the types that
plain YAML values get in an init config that is a map, and `[]` and `{}`, which become null there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Loaded", "read_configuration"]

_TRUE, _FALSE = {"y", "yes", "true", "on"}, {"n", "no", "false", "off"}
_PLUGIN_KEYS = {"name", "library_path", "init_config", "open_params"}


class Loaded:
    """One plugin as Falco would start it."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        assert entry.keys() <= _PLUGIN_KEYS, f"Falco warns of {entry.keys() - _PLUGIN_KEYS}"
        self.name: str = entry["name"]
        self.library_path: str = entry["library_path"]
        self.open_params: str = (entry.get("open_params") or "").strip()
        given = entry.get("init_config")
        #: The text that `plugin_init` gets.
        self.init_config: str = json.dumps(_guessed(given)) if _is_map(given) else given or ""


def read_configuration(text: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the configuration with every value as text, `plugins` as `Loaded`."""
    found: dict[str, Any] = _expanded(yaml.load(text, Loader=yaml.BaseLoader), environment or {})
    found["plugins"] = [Loaded(entry) for entry in found["plugins"]]
    return found


def _is_map(value: Any) -> bool:
    assert not isinstance(value, list), "init_config is a map, text or null"
    return isinstance(value, dict)


def _expanded(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _expanded(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_expanded(item, environment) for item in value]
    return _text(value, environment)


def _text(text: str, environment: Mapping[str, str]) -> str:
    """Put variables in place, left to right, up to a dollar that begins none."""
    done = ""
    while (found := re.match(r"([^$]*)(\$?)\$\{([^}]*)\}", text)) is not None:
        before, escape, name = found.groups()
        if escape:
            done, text = done + before + "${", text[len(before) + 3 :]
        else:
            done, text = done + before, environment.get(name, "") + text[found.end() :]
    return done + text


def _guessed(value: Any) -> Any:
    """Return what becomes of a value in a map: quotes in the file make no difference."""
    if isinstance(value, dict):
        return {key: _guessed(item) for key, item in value.items()} or None
    if isinstance(value, list):
        return [_guessed(item) for item in value] or None
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    try:
        return int(value, 16) if value.startswith("0x") else float(value)
    except ValueError:
        return value
