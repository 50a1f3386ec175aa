# SPDX-License-Identifier: Apache-2.0
"""Checks of the options' values that several commands share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from falcokit.cli import console
from falcokit.errors import ConfigError
from falcokit.project.plugin_config import (
    FalcoYaml,
    PluginText,
    checked_json,
    plugin_text,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from falcokit.build.metadata import PluginMetadata
    from falcokit.cli.options import DevOptions, RunOptions
    from falcokit.project.settings import Project

__all__ = [
    "PluginConfig",
    "check_config",
    "check_replay",
    "check_rules_files",
    "plugin_config",
    "read_init_config",
    "recording_path",
    "refuse_speed",
    "replay_path",
    "replayed",
]


class _ConfigOptions(Protocol):
    """The options of a command that starts a plugin."""

    init_config: str | None
    open_params: str | None
    from_falco_yaml: bool


class Built(Protocol):
    """A result of a build."""

    @property
    def metadata(self) -> PluginMetadata: ...


def read_init_config(value: str | None, *, schema: Any = None) -> str | None:
    """Check the init config of an option before anything is started: see `checked_json`."""
    if value is None:
        return None
    return checked_json(read_text(value, "--init-config", "init_config"), schema=schema)


class PluginConfig(NamedTuple):
    """What a plugin is started with."""

    init_config: str | None
    open_params: str | None


def check_config(options: _ConfigOptions, project: Project | None) -> None:
    """Check what is known of init config and open params, before the compiler is started in vain.

    Raises:
        ConfigError: a file cannot be read, or is not what it should be.

    """
    if options.from_falco_yaml and project is None:
        raise ConfigError(
            "--from-falco-yaml reads the falco.yaml of a project, and LIB.so has none",
            hint="give --init-config and --open-params",
        )
    falco_yaml = _falco_yaml(options, project)
    for key in ("init_config", "open_params"):
        option: str | None = getattr(options, key)
        if option is not None or falco_yaml is None:
            found = plugin_text(key, option=option, project=project)
            if key == "init_config":
                checked_json(found)


def plugin_config(
    options: _ConfigOptions, project: Project | None, *, name: str = "", schema: Any = None
) -> PluginConfig:
    """Return what the plugin `name` is started with: see `falcokit.project.plugin_config`.

    Raises:
        ConfigError: as above, or falco.yaml does not know the plugin.

    """
    falco_yaml = _falco_yaml(options, project)

    def decided(key: str) -> PluginText:
        found = plugin_text(
            key, option=getattr(options, key), project=project, falco_yaml=falco_yaml, name=name
        )
        if found.origin is not None:
            console.detail(f"{key.replace('_', ' ')}: {found.origin}")
        return found

    return PluginConfig(
        checked_json(decided("init_config"), schema=schema), decided("open_params").text
    )


def _falco_yaml(options: _ConfigOptions, project: Project | None) -> FalcoYaml | None:
    return FalcoYaml(project) if options.from_falco_yaml and project is not None else None


def recording_path(value: Path | None) -> Path | None:
    """Check that a capture can be written there, before anything is started."""
    if value is None:
        return None
    if value.is_dir():
        raise ConfigError(f"--record {value}: this is a folder", hint="name a file in it")
    if not value.parent.is_dir():
        raise ConfigError(
            f"--record {value}: there is no folder {value.parent}",
            hint="make the folder first",
        )
    if not os.access(value if value.exists() else value.parent, os.W_OK):
        raise ConfigError(f"--record {value}: no permission to write there")
    return value.absolute()


def check_replay(options: RunOptions | DevOptions) -> None:
    """Check that the options about a replay fit each other, before anything is started."""
    if options.replay is not None and options.record is not None:
        raise ConfigError(
            "--record writes what a plugin sends; with --replay the events are in a file already"
        )
    if options.replay is not None and options.open_params is not None:
        raise ConfigError("--open-params are for a running source, not for --replay")
    if options.replay is not None:
        replay_path(options.replay, "--replay")


def check_rules_files(files: Sequence[Path]) -> None:
    """Check that the files of --rules are there; they may be read more than once."""
    for file in files:
        if file.is_dir():
            raise ConfigError(f"--rules {file}: this is a folder", hint="name the files in it")
        if not file.exists():
            raise ConfigError(f"--rules {file}: there is no such file")
        if not file.is_file():
            raise ConfigError(f"--rules {file}: this is not a regular file")


def replay_path(value: Path, origin: str) -> Path:
    """Check that there is such a file."""
    if value.is_dir():
        raise ConfigError(f"{origin} {value}: this is a folder, not a capture file")
    if not value.exists():
        raise ConfigError(f"{origin} {value}: no such file")
    return value.absolute()


def replayed(options: RunOptions | DevOptions, project: Project, built: Built) -> Path | None:
    """Return the capture to replay: the one given, or the project's if its plugin has no source."""
    if options.replay is not None:
        return replay_path(options.replay, "--replay")
    others = options.record is not None or options.open_params is not None
    if project.replay is None or built.metadata.source is not None or others:
        refuse_speed(options)
        return None
    return replay_path(project.replay, f"{project.file}: replay")


def refuse_speed(options: RunOptions | DevOptions) -> None:
    """Check that a pace is not asked for where nothing is replayed."""
    if options.speed is not None:
        raise ConfigError(
            "--speed is the pace of a replay, and there is none",
            hint="name the capture with --replay FILE.scap",
        )
