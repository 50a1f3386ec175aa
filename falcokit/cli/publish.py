# SPDX-License-Identifier: Apache-2.0
"""`falcokit publish`: dist/oci to a registry, where falcoctl and Helm's chart find it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.cli import console
from falcokit.errors import ConfigError, PackageError
from falcokit.package.registry.layout import read_layout
from falcokit.package.registry.publish import publish_layout
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from falcokit.cli.options import PublishOptions

__all__ = ["publish"]


def publish(options: PublishOptions) -> None:
    """Send the plugin and its rules to a registry."""
    found = load_project(options.project)
    layout = found.dist_dir / "oci"
    if not layout.is_dir():
        raise PackageError(f"there is no OCI layout in {layout}", hint="run falcokit package --oci")
    ref = options.ref
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
        floating_tags=options.floating_tags,
        tell=lambda text: console.message(console.printable(text)),
    )
    for item in published:
        blobs = f"{item.sent} of {item.sent + item.kept} blobs sent"
        console.message(f"published {item.repository}, tags {', '.join(item.tags)} ({blobs})")
    console.message("sign with:")
    for item in published:
        console.message(f"  cosign sign --yes {item.pinned}")
    if options.as_json:
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
