# SPDX-License-Identifier: Apache-2.0
"""`falcokit build`: build/lib<name>.so from the author's class."""

from __future__ import annotations

from pathlib import Path

from falcokit.cli.options import Json, ProjectDir  # noqa: TC001  typer reads the annotations

__all__ = ["build"]


def build(*, project: ProjectDir = Path(), as_json: Json = False) -> None:
    """Build the plugin's library."""
    from falcokit.cli.do_build import do  # noqa: PLC0415

    do(project=project, as_json=as_json)
