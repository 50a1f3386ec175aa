# SPDX-License-Identifier: Apache-2.0
"""A layout's artifacts sent to a registry, byte for byte as they lie in the layout.

Blobs first, then the manifests of the platforms by digest, and when all of that is there the tags:
whoever installs meanwhile gets the old version or the whole new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from falcokit.package.artifact.names import floating_tags as tags_that_float
from falcokit.package.registry.client import RegistryClient
from falcokit.package.registry.push import Push
from falcokit.package.registry.read import StoredArtifact, read_layout
from falcokit.package.registry.reference import Reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Published", "publish_layout"]


@dataclass(frozen=True, kw_only=True)
class Published:
    """One artifact in the registry, verified there."""

    kind: str
    """`plugin` or `ruleset`."""
    repository: str
    """Registry and repository."""
    tags: tuple[str, ...]
    digest: str
    sent: int
    """Blobs that were sent."""
    kept: int
    """Blobs that the registry had already."""

    @property
    def pinned(self) -> str:
        """The reference that never means anything else."""
        return f"{self.repository}@{self.digest}"


def publish_layout(
    folder: Path,
    ref: str,
    *,
    floating_tags: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Published]:
    """Send the layout in `folder` to `ref`, the plugin's place; the plugin comes first.

    Raises:
        PackageError: there is no layout, or it is damaged.
        PublishError: the reference is wrong, the registry refuses or cannot be reached.
        ToolMissingError: oras-py is not installed.

    """
    plugin = parse_reference(ref)
    places = {"plugin": plugin, "ruleset": plugin.rules()}
    artifacts = read_layout(folder)
    published = []
    with RegistryClient(plugin) as client:
        push = Push(client=client, folder=folder, tell=tell)
        counts = [push.content(found, places[found.kind]) for found in artifacts]
        for artifact, sent in zip(artifacts, counts, strict=True):
            place = places[artifact.kind]
            tags = _tags(artifact, place, floating=floating_tags)
            for tag in tags:
                push.tag(artifact.top, place, tag)
            published.append(
                Published(
                    kind=artifact.kind,
                    repository=place.name,
                    tags=tags,
                    digest=artifact.top.digest,
                    sent=sent,
                    kept=len(artifact.blobs) - sent,
                )
            )
    return published


def _tags(artifact: StoredArtifact, place: Reference, *, floating: bool) -> tuple[str, ...]:
    """Return the tags, the fixed one first: `latest` must never be ahead of it."""
    tags = [place.tag or artifact.version]
    if floating:
        tags += [artifact.version, *tags_that_float(artifact.version)]
    return tuple(dict.fromkeys(tags))
