# SPDX-License-Identifier: Apache-2.0
"""The options that several commands share, each spelled once, and checks of their values."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from falcokit.errors import ConfigError

__all__ = [
    "Duration",
    "Fields",
    "InitConfig",
    "Json",
    "Limit",
    "OpenParams",
    "ProjectDir",
    "Record",
    "read_init_config",
    "recording_path",
]

ProjectDir = Annotated[
    Path, typer.Option("-C", "--project", metavar="DIR", help="The project's folder.")
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON for programs on stdout.")]
InitConfig = Annotated[
    str | None,
    typer.Option(metavar="JSON", help="The plugin's init config, or @FILE to read it from a file."),
]
OpenParams = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="What the event source opens with; without it open_params of [tool.falcokit].",
    ),
]
Fields = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD,...",
        help="The plugin's fields to show, as x.a,x.b[3]; without it all that need no argument.",
    ),
]
Limit = Annotated[
    int | None, typer.Option("-n", "--limit", metavar="N", min=1, help="Stop after N events.")
]
Duration = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", min=0.001, help="Stop after this many seconds."),
]
Record = Annotated[
    Path | None,
    typer.Option(metavar="FILE.scap", help="Record the events to a capture file as well."),
]


def read_init_config(value: str | None, *, schema: Any = None) -> str | None:
    """Check an init config before anything is started.

    A plugin with an init schema takes JSON. Without a schema any text may be right, unless it
    starts like JSON: then a mistake in it is a mistake.
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
            f"--record {value}: there is no folder {value.parent}", hint="make the folder first"
        )
    if not os.access(value if value.exists() else value.parent, os.W_OK):
        raise ConfigError(f"--record {value}: no permission to write there")
    return value.absolute()
