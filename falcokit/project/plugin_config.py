# SPDX-License-Identifier: Apache-2.0
"""The init config and the open params that a project's plugin gets while it is developed.

One rule decides each of the two: what an option says goes first, then falco.yaml where it was
asked for, then pyproject.toml; else there is none. A falco.yaml that was asked for stands in the
place of pyproject.toml altogether: what it does not say is not said, as in Falco.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from falcokit.errors import ConfigError
from falcokit.project.falco_yaml import PluginEntry, read_entries

if TYPE_CHECKING:
    from falcokit.project.settings import Project

__all__ = ["FalcoYaml", "PluginText", "checked_json", "plugin_text", "read_text"]


class PluginText(NamedTuple):
    """The text of an init config or of open params, and where it comes from."""

    text: str | None
    origin: str | None
    """An option, or a file and its key; None: there is no text."""


class FalcoYaml:
    """The falco.yaml of a project, read once."""

    def __init__(self, project: Project) -> None:
        self._file = project.root / "falco.yaml"
        # Falco is started in the project's folder.
        self._entries = read_entries(self._file, {**os.environ, "PWD": str(project.root)})

    def entry(self, name: str) -> PluginEntry:
        """Return what it says of the plugin `name`.

        Raises:
            ConfigError: it does not configure that plugin.

        """
        if name not in self._entries:
            there = ", ".join(self._entries) or "none"
            raise ConfigError(
                f"{self._file}: plugins has no plugin {name!r}; it has {there}",
                hint="the name there is the plugin's own, as `falcokit info` shows it",
            )
        return self._entries[name]

    def text(self, key: str, name: str) -> PluginText:
        """Return the init_config or open_params of the plugin `name`."""
        found: str | None = getattr(self.entry(name), key)
        return PluginText(found, None if found is None else f"{self._file}: {key}")


def plugin_text(
    key: str,
    *,
    option: str | None,
    project: Project | None,
    falco_yaml: FalcoYaml | None = None,
    name: str = "",
) -> PluginText:
    """Return the text of `key`, "init_config" or "open_params", by the rule above.

    `name` is the plugin's, by which falco.yaml knows it.

    Raises:
        ConfigError: a file that is named cannot be read, or falco.yaml has no such plugin.

    """
    if option is not None:
        spelt = f"--{key.replace('_', '-')}"
        return read_text(option, spelt, key)
    if falco_yaml is not None:
        return falco_yaml.text(key, name)
    value: str | None = getattr(project, key, None)
    if value is None or project is None:
        return PluginText(None, None)
    return read_text(value, f"{project.file}: {key}", key, project.root)


def read_text(value: str, origin: str, key: str, root: Path | None = None) -> PluginText:
    """Return a value, or for "@FILE" the content of that file, in `root`."""
    if value.startswith("@"):
        file = Path(value[1:]) if root is None else root / value[1:]
        origin = str(file)
        try:
            value = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            reason = e.strerror if isinstance(e, OSError) else "not UTF-8"
            what = key.replace("_", " ")
            raise ConfigError(f"the {what} {file} cannot be read: {reason}") from e
        if key == "open_params":
            value = value.strip()  # an editor's newline at the end is not meant
    if "\0" in value:
        raise ConfigError(f"the {key.replace('_', ' ')} in {origin} contains a NUL character")
    return PluginText(value, origin)


def checked_json(given: PluginText, *, schema: Any = None) -> str | None:
    """Return an init config once it is known to be JSON, where it has to be.

    A plugin with an init schema takes JSON. Without a schema any text is accepted, unless it starts
    like JSON: then it must be valid JSON.

    Raises:
        ConfigError: it is not.

    """
    text = given.text
    if text and (schema is not None or text.lstrip().startswith(("{", "["))):
        try:
            json.loads(text)
        except (ValueError, RecursionError) as e:
            raise ConfigError(
                f"{given.origin} is not valid JSON: {e}",
                hint="""for instance --init-config '{"interval_ms": 100}'""",
            ) from e
    return text
