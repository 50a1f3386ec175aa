# SPDX-License-Identifier: Apache-2.0
"""`falcokit publish`: dist/oci to a registry, where falcoctl and Helm's chart find it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from falcokit.cli import console
from falcokit.cli.format import count_of
from falcokit.cli.rules import check_files, refuse_wrong_rules, warn_of_rules
from falcokit.errors import ConfigError, FalcokitError, PackageError
from falcokit.package.artifact.library_facts import library_facts
from falcokit.package.artifact.rules import packed_rules
from falcokit.package.registry.layout import read_layout, stored_layers
from falcokit.package.registry.publish import planned, publish_layout
from falcokit.project.settings import load_project
from falcokit.rules import RulesFile

if TYPE_CHECKING:
    from pathlib import Path

    from falcokit.cli.options import PublishOptions
    from falcokit.project.settings import Project

__all__ = ["publish"]


def publish(options: PublishOptions) -> None:
    """Send the plugin and its rules to a registry."""
    found = load_project(options.project)
    layout = found.dist_dir / "oci"
    if not layout.is_dir():
        raise PackageError(f"there is no OCI layout in {layout}", hint="run falcokit package --oci")
    _check_rules(layout, found)
    ref = options.ref
    if ref is None:
        if found.package.repository is None:
            raise ConfigError(
                "there is no reference to publish to",
                hint="give one, or set it for the project:\n  [tool.falcokit.package]\n"
                '  repository = "ghcr.io/acme/plugins"',
            )
        ref = f"{found.package.repository.rstrip('/')}/plugin/{read_layout(layout)[0].name}"
    if options.dry_run:
        published = planned(layout, ref, floating_tags=options.floating_tags)
        for item in published:
            blobs = f"up to {count_of(item.sent, 'blob')}"
            console.message(
                f"would publish {item.repository}, tags {', '.join(item.tags)} ({blobs})"
            )
        console.message("nothing was sent, and no registry was asked: --dry-run")
    else:
        published = publish_layout(
            layout,
            ref,
            floating_tags=options.floating_tags,
            progress=lambda text: console.message(console.printable(text)),
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
                "dry_run": options.dry_run,
                "artifacts": [
                    {
                        "kind": item.kind,
                        "repository": item.repository,
                        "tags": list(item.tags),
                        "digest": item.digest,
                        "reference": item.pinned,
                    }
                    for item in published
                ],
            }
        )
        return
    console.data_lines(item.pinned for item in published)


def _check_rules(layout: Path, project: Project) -> None:
    """Check the rules of a layout against its plugin, as they would be downloaded.

    Raises:
        RulesError: they have errors, which are shown.

    """
    plugin, *others = read_layout(layout)
    if not others:
        return
    about = None
    for artifact in stored_layers(layout, plugin):
        with contextlib.suppress(FalcokitError):
            about = about or library_facts(artifact).about
    if about is None:
        console.warning("the rules were not checked: the library does not say what fields it has")
        return
    files = [
        RulesFile(name=str(project.root / "rules" / name), content=content)
        for artifact in stored_layers(layout, others[0])
        for name, content in packed_rules(artifact)
    ]
    ruleset = check_files(files, about)
    warn_of_rules(ruleset, project.root)
    refuse_wrong_rules(len(ruleset.errors))
