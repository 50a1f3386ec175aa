# SPDX-License-Identifier: Apache-2.0
"""`falcokit run`: load a plugin into the runner and show its events."""

# ruff: noqa: TC001 - typer reads the annotations while running

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from falcokit.cli.options import (
    Duration,
    Fields,
    InitConfig,
    Json,
    Limit,
    OpenParams,
    ProjectDir,
    Record,
)

__all__ = ["run"]


def run(
    library: Annotated[
        Path | None,
        typer.Argument(metavar="LIB.so", help="A built plugin, of any language."),
    ] = None,
    *,
    project: ProjectDir = Path(),
    init_config: InitConfig = None,
    open_params: OpenParams = None,
    fields: Fields = None,
    limit: Limit = None,
    duration: Duration = None,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Build the plugin, run it and show its events."""
    from falcokit.cli.do_run import do  # noqa: PLC0415

    do(
        library,
        project=project,
        init_config=init_config,
        open_params=open_params,
        fields=fields,
        limit=limit,
        duration=duration,
        record=record,
        as_json=as_json,
    )
