# SPDX-License-Identifier: Apache-2.0
"""`falcokit dev`: the plugin running under one's eyes while one edits it."""

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
    OpenParams,
    ProjectDir,
    Record,
)

__all__ = ["dev"]


def dev(
    *,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Build and restart on every save.")
    ] = False,
    project: ProjectDir = Path(),
    init_config: InitConfig = None,
    open_params: OpenParams = None,
    fields: Fields = None,
    duration: Duration = None,
    record: Record = None,
    as_json: Json = False,
) -> None:
    """Run the plugin with live statistics; --watch restarts it when you save."""
    from falcokit.cli.do_dev import do  # noqa: PLC0415

    do(
        watch=watch,
        project=project,
        init_config=init_config,
        open_params=open_params,
        fields=fields,
        duration=duration,
        record=record,
        as_json=as_json,
    )
