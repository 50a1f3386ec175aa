# SPDX-License-Identifier: Apache-2.0
"""Checks of the options' values that several commands share."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from falcokit.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.build.metadata import PluginMetadata
    from falcokit.cli.options import DevOptions, RunOptions
    from falcokit.project.settings import Project

__all__ = [
    "check_replay",
    "check_rules_files",
    "read_init_config",
    "recording_path",
    "refuse_speed",
    "replay_path",
    "replayed",
]


class Built(Protocol):
    """A result of a build."""

    @property
    def metadata(self) -> PluginMetadata: ...


def read_init_config(value: str | None, *, schema: Any = None) -> str | None:
    """Check an init config before anything is started.

    A plugin with an init schema takes JSON. Without a schema any text is accepted, unless
    it starts like JSON: then it must be valid JSON.
    """
    if value is None:
        return None
    text, origin = value, "--init-config"
    if value.startswith("@"):
        origin = value[1:]
        try:
            text = Path(origin).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as e:
            reason = e.strerror if isinstance(e, OSError) else "not UTF-8"
            raise ConfigError(f"the init config {origin} cannot be read: {reason}") from e
    if "\0" in text:
        raise ConfigError(f"the init config in {origin} contains a NUL character")
    if schema is not None or text.lstrip().startswith(("{", "[")):
        try:
            json.loads(text)
        except ValueError as e:
            raise ConfigError(
                f"{origin} is not valid JSON: {e}",
                hint="""for instance --init-config '{"interval_ms": 100}'""",
            ) from e
    return text


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
