# SPDX-License-Identifier: Apache-2.0
"""`falcokit publish`: dist/oci to a registry, where falcoctl and Helm's chart find it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from falcokit.cli import console
from falcokit.cli.options import Json, ProjectDir  # noqa: TC001  typer reads the annotations
from falcokit.errors import ConfigError, PackageError

__all__ = ["publish"]


def publish(
    ref: Annotated[
        str | None,
        typer.Argument(
            metavar="REF",
            help="The plugin's place, as `falcoctl artifact install` takes it:"
            " REGISTRY/.../plugin/NAME[:TAG].",
        ),
    ] = None,
    *,
    project: ProjectDir = Path(),
    floating_tags: Annotated[
        bool,
        typer.Option("--floating-tags", help="Move the tags latest, X and X.Y to this version."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Send the plugin and its rules to a registry."""
    from falcokit.project.settings import load_project  # noqa: PLC0415

    found = load_project(project)
    layout = found.dist_dir / "oci"
    if not layout.is_dir():
        raise PackageError(f"there is no OCI layout in {layout}", hint="run falcokit package --oci")
    from falcokit.package.registry.publish import publish_layout  # noqa: PLC0415
    from falcokit.package.registry.read import read_layout  # noqa: PLC0415

    if ref is None:
        if found.package.repository is None:
            raise ConfigError(
                "there is no reference to publish to",
                hint="give one, or set it for the project:\n  [tool.falcokit.package]\n"
                '  repository = "ghcr.io/acme/plugins"',
            )
        ref = f"{found.package.repository.rstrip('/')}/plugin/{read_layout(layout)[0].name}"
    published = publish_layout(
        layout,
        ref,
        floating_tags=floating_tags,
        tell=lambda text: console.message(console.printable(text)),
    )
    for item in published:
        blobs = f"{item.sent} of {item.sent + item.kept} blobs sent"
        console.message(f"published {item.repository}, tags {', '.join(item.tags)} ({blobs})")
    console.message("sign with:")
    for item in published:
        console.message(f"  cosign sign --yes {item.pinned}")
    if as_json:
        console.json_line(
            {
                "artifacts": [
                    {
                        "kind": item.kind,
                        "repository": item.repository,
                        "tags": list(item.tags),
                        "digest": item.digest,
                        "reference": item.pinned,
                    }
                    for item in published
                ]
            }
        )
        return
    console.data_lines(item.pinned for item in published)
