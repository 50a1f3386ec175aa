# SPDX-License-Identifier: Apache-2.0
"""The options that several commands share, each spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Duration",
    "Fields",
    "InitConfig",
    "Json",
    "Limit",
    "OpenParams",
    "ProjectDir",
    "Record",
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
