# SPDX-License-Identifier: Apache-2.0
"""What a falco.yaml gives a plugin: its init config and open params, as Falco itself reads them.

Falco puts environment variables in place of `${NAME}`, and turns an init config that is a YAML map
into JSON by guessing the type of each value; `falco_config` is about the way back.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PluginEntry", "read_entries", "with_variables"]

_TRUE, _FALSE = frozenset({"y", "yes", "true", "on"}), frozenset({"n", "no", "false", "off"})
_VARIABLE: Final = re.compile(r"([^$]*)(\$?)\$\{([^}]*)\}")
#: In one text; a variable that contains itself would never end.
_MAX_VARIABLES: Final = 1000
_INT_MAX: Final = 2**31 - 1
#: A list in a list, and so on: more is no configuration.
_MAX_DEPTH: Final = 100


class PluginEntry:
    """One plugin of `plugins`, with the texts that it is started with; None: there is none."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name = _scalar(entry, "name")
        self.library_path = _scalar(entry, "library_path")
        given = entry.get("init_config")
        if isinstance(given, list):
            raise ConfigError(f"init_config of {self.name} is a list, where Falco takes a map")
        text = json.dumps(_guessed(given)) if isinstance(given, dict) else given
        self.init_config: str | None = text or None
        self.open_params: str | None = _scalar(entry, "open_params").strip() or None


def read_entries(file: Path, environment: Mapping[str, str]) -> dict[str, PluginEntry]:
    """Return the plugins that a falco.yaml configures, by name.

    `environment` has the variables that Falco would see.

    Raises:
        ConfigError: the file cannot be read, or Falco would refuse it.

    """
    import yaml  # noqa: PLC0415 - takes 20 ms, and is seldom needed

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "not UTF-8"
        raise ConfigError(
            f"{file} cannot be read: {reason}",
            hint="--from-falco-yaml reads falco.yaml in the project's folder",
        ) from e
    try:
        # Every scalar as text: that is what Falco begins with, too.
        found = with_variables(yaml.load(text, Loader=yaml.BaseLoader), environment)  # noqa: S506
        entries = [PluginEntry(entry) for entry in _plugins(found)]
    except (yaml.YAMLError, RecursionError) as e:
        raise ConfigError(f"{file}: not valid YAML: {e}") from e
    except ConfigError as e:
        raise ConfigError(f"{file}: {e.message}") from e
    return {entry.name: entry for entry in entries}


def _plugins(document: Any) -> list[dict[str, Any]]:
    plugins = (document.get("plugins") or []) if isinstance(document, dict) else None
    if not isinstance(plugins, list) or not all(isinstance(entry, dict) for entry in plugins):
        raise ConfigError("plugins must be a list of maps")
    return plugins


def with_variables(value: Any, environment: Mapping[str, str], depth: int = 0) -> Any:
    """Put environment variables in place, in every text of a configuration."""
    if depth > _MAX_DEPTH:
        raise ConfigError("it is nested too deeply")
    if isinstance(value, dict):
        return {key: with_variables(item, environment, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [with_variables(item, environment, depth + 1) for item in value]
    return _expanded(value, environment)


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    """Replace from left to right, up to a dollar that begins no variable, where Falco stops.

    Variables in the value of a variable are replaced, too.
    """
    done = ""
    for _ in range(_MAX_VARIABLES):
        if (found := _VARIABLE.match(text)) is None:
            return done + text
        before, escape, name = found.groups()
        if escape:
            done, text = done + before + "${", text[len(before) + 3 :]
        else:
            done, text = done + before, environment.get(name, "") + text[found.end() :]
    raise ConfigError("environment variables contain each other")


def _scalar(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise ConfigError(f"{key} of a plugin must be a text")
    return value


def _guessed(value: Any) -> Any:
    """Return what becomes of a value in a map: quotes in the file make no difference."""
    if isinstance(value, dict):
        return {key: _guessed(item) for key, item in value.items()} or None
    if isinstance(value, list):
        return [_guessed(item) for item in value] or None
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    return _number(value)


def _number(text: str) -> int | float | str:
    if not text.isascii() or "_" in text or text != text.strip():
        return text
    try:
        whole = int(text, 16) if text.startswith("0x") else int(text)
        return whole if abs(whole) <= _INT_MAX else float(whole)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        return text
    return found if abs(found) < float("inf") else text
