# SPDX-License-Identifier: Apache-2.0
"""An author's project as its pyproject.toml describes it.

It reads one file, never imports the author's code, and its errors name the key.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PackageSettings", "Project", "find_rules", "load_project"]

_TABLE_EXAMPLE = 'for instance:\n  [tool.falcokit]\n  plugin = "my_plugin:MyPlugin"'
_KEYS = ("plugin", "source", "init_config", "open_params", "replay", "package")
_PLUGIN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True, kw_only=True)
class PackageSettings:
    """The table [tool.falcokit.package]."""

    include: tuple[str, ...] = ()
    """Modules of the standard library, or files of packages, to keep: they are omitted else."""
    exclude: tuple[str, ...] = ()
    """Modules of the standard library, or files of packages, to omit."""
    unpack: tuple[str, ...] = ()
    """Distributions whose files must lie in a real folder, besides those that falcokit finds."""
    repository: str | None = None
    """The registry and path that artifacts are published under: "ghcr.io/acme/plugins"."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """One author project; everything the tools need to know before any import."""

    root: Path
    plugin: str
    source_dir: Path
    name: str | None = None
    version: str | None = None
    description: str | None = None
    contact: str | None = None
    license: str | None = None
    init_config: str | None = None
    """The plugin's init config by default, or "@FILE" in the project: see `plugin_config`."""
    open_params: str | None = None
    """The open params for the event source by default, and in a deployment; or "@FILE"."""
    replay: Path | None = None
    """The capture that `run` and `dev` replay by default to a plugin without an event source."""
    dependencies: tuple[str, ...] = ()
    package: PackageSettings = field(default_factory=PackageSettings)

    @property
    def build_dir(self) -> Path:
        """Where the library is put."""
        return self.root / "build"

    @property
    def dist_dir(self) -> Path:
        """Where `falcokit package` puts the artifact."""
        return self.root / "dist"

    @property
    def file(self) -> Path:
        """The project's pyproject.toml."""
        return self.root / "pyproject.toml"

    @property
    def rules(self) -> tuple[Path, ...]:
        """The project's rules files."""
        return find_rules(self.root)


def find_rules(root: Path) -> tuple[Path, ...]:
    """Return the rules of the project in `root`, `rules/*.yaml`, in order.

    Hidden files are editors' own.
    """
    found = (root / "rules").glob("*.yaml")
    return tuple(sorted(file for file in found if not file.name.startswith(".")))


def load_project(start: Path) -> Project:
    """Read the project of the folder `start`: its own pyproject.toml, or a parent's."""
    file = _find(start)
    document = _read(file)
    tools = document.get("tool", {})
    if not isinstance(tools, dict):
        raise ConfigError(f"{file}: tool must be a table", hint=_TABLE_EXAMPLE)
    table = tools.get("falcokit")
    if table is None:
        raise ConfigError(f"{file}: there is no [tool.falcokit] table", hint=_TABLE_EXAMPLE)
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: tool.falcokit must be a table", hint=_TABLE_EXAMPLE)
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise ConfigError(
            f"{file}: unknown key {unknown[0]!r} in [tool.falcokit]",
            hint=f"the keys are {', '.join(_KEYS)}",
        )
    metadata = document.get("project", {})
    if not isinstance(metadata, dict):
        raise ConfigError(f"{file}: project must be a table")
    return Project(
        root=file.parent,
        plugin=_plugin(file, table),
        source_dir=_source_dir(file, table),
        name=_text(file, metadata, "name"),
        version=_text(file, metadata, "version"),
        description=_text(file, metadata, "description"),
        contact=_contact(metadata),
        license=_license(metadata),
        init_config=_plugin_text(file, table, "init_config"),
        open_params=_plugin_text(file, table, "open_params"),
        replay=_replay(file, table),
        dependencies=_strings(file, "project.dependencies", metadata.get("dependencies", [])),
        package=_package(file, table),
    )


def _find(start: Path) -> Path:
    start = start.absolute()
    if not start.is_dir():
        raise ConfigError(
            f"{start}: no such folder", hint="give the project's folder with -C/--project"
        )
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            return file.resolve()
    raise ConfigError(
        f"no pyproject.toml in {start} or its parents",
        hint="run this in a project's folder, give it with -C/--project, or make one with"
        " `falcokit init NAME`",
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise ConfigError(f"{file}: not valid TOML: {e}") from e
    except OSError as e:
        raise ConfigError(f"{file}: cannot be read: {e.strerror}") from e


def _plugin(file: Path, table: dict[str, Any]) -> str:
    value = table.get("plugin")
    if value is None:
        raise ConfigError(f"{file}: [tool.falcokit] has no plugin key", hint=_TABLE_EXAMPLE)
    if not isinstance(value, str) or not _PLUGIN.fullmatch(value):
        raise ConfigError(
            f'{file}: plugin must be "module:Class", not {value!r}', hint=_TABLE_EXAMPLE
        )
    return value


def _source_dir(file: Path, table: dict[str, Any]) -> Path:
    value = table.get("source")
    if value is None:
        default = file.parent / "src"
        return default if default.is_dir() else file.parent
    if not isinstance(value, str):
        raise ConfigError(f"{file}: source must be a folder's name, not {value!r}")
    folder = (file.parent / value).resolve()
    if not folder.is_relative_to(file.parent):
        raise ConfigError(f"{file}: source {value!r} lies outside the project")
    if not folder.is_dir():
        raise ConfigError(f"{file}: source {value!r} is not a folder of the project")
    return folder


def _plugin_text(file: Path, table: dict[str, Any], key: str) -> str | None:
    """Return what a plugin is given: a string as it is, a table as JSON."""
    value = table.get(key)
    if isinstance(value, dict):
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as e:
            raise ConfigError(f"{file}: {key} has a value that JSON has not: {e}") from e
    if value is not None and (not isinstance(value, str) or "\0" in value):
        raise ConfigError(
            f"{file}: {key} must be a table, or a string without NUL, not {value!r}",
            hint=f'{key} = {{ key = 1 }}, {key} = \'{{"key": 1}}\', or {key} = "@FILE"',
        )
    if value == "@":
        raise ConfigError(f'{file}: {key} = "@" names no file')
    return value


def _replay(file: Path, table: dict[str, Any]) -> Path | None:
    value = table.get("replay")
    if value is None:
        return None
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigError(f"{file}: replay must be the name of a capture file, not {value!r}")
    return file.parent / value


def _text(file: Path, metadata: dict[str, Any], key: str) -> str | None:
    value = metadata.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{file}: project.{key} must be a string, not {value!r}")
    return value


def _contact(metadata: dict[str, Any]) -> str | None:
    """Return the first author as the contact for Falco: the mail address, else the name."""
    authors = metadata.get("authors")
    if not isinstance(authors, list) or not authors or not isinstance(authors[0], dict):
        return None
    contact = authors[0].get("email") or authors[0].get("name")
    return contact if isinstance(contact, str) else None


def _license(metadata: dict[str, Any]) -> str | None:
    """Return the SPDX expression; the older table form has none."""
    value = metadata.get("license")
    return value if isinstance(value, str) else None


def _strings(file: Path, key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{file}: {key} must be a list of strings, not {value!r}")
    return tuple(value)


def _package(file: Path, tool: dict[str, Any]) -> PackageSettings:
    table = tool.get("package", {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: tool.falcokit.package must be a table")
    keys = [f.name for f in fields(PackageSettings)]
    unknown = sorted(set(table) - set(keys))
    if unknown:
        raise ConfigError(
            f"{file}: unknown key {unknown[0]!r} in [tool.falcokit.package]",
            hint=f"the keys are {', '.join(keys)}",
        )
    repository = table.get("repository")
    if repository is not None and not isinstance(repository, str):
        raise ConfigError(f"{file}: package.repository must be a string, not {repository!r}")
    return PackageSettings(
        include=_strings(file, "package.include", table.get("include", [])),
        exclude=_strings(file, "package.exclude", table.get("exclude", [])),
        unpack=_strings(file, "package.unpack", table.get("unpack", [])),
        repository=repository,
    )
