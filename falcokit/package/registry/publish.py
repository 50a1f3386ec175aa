# SPDX-License-Identifier: Apache-2.0
"""Sends the artifacts of a layout to a registry, byte for byte as they are stored in the layout.

Blobs first, then the manifests of the platforms by digest, and after all of that the tags: whoever
installs meanwhile gets the old version or the complete new one.

oras-py has a push of its own, which does not fit: it writes a new manifest, so the digest would
not be the layout's; it knows no image index; it holds a whole blob in memory; it sends the token to
whatever host an answer names; and every failure, a wrong password too, is retried for minutes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urljoin, urlsplit

from falcokit.errors import PublishError
from falcokit.package.artifact.names import floating_tags as tags_that_float
from falcokit.package.registry.client import RegistryClient
from falcokit.package.registry.layout import Blob, StoredArtifact, blob_path, digest_of, read_layout
from falcokit.package.registry.login import config_file
from falcokit.package.registry.reference import Reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from falcokit.package.registry.client import Answer

__all__ = ["Published", "planned", "publish_layout"]

_NOT_FOUND: Final = 404
_TOO_LARGE: Final = 413
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_FORBIDDEN: Final = (401, 403)
_LONGEST_REASON: Final = 200
_MEGABYTE: Final = 1_000_000


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
    """Blobs that the registry already had."""

    @property
    def pinned(self) -> str:
        """The reference that always means this artifact."""
        return f"{self.repository}@{self.digest}"


def publish_layout(
    folder: Path,
    ref: str,
    *,
    floating_tags: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Published]:
    """Send the layout in `folder` to `ref`, the plugin's repository; the plugin comes first.

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
        push = _Push(client=client, folder=folder, progress=progress)
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


def planned(folder: Path, ref: str, *, floating_tags: bool = False) -> list[Published]:
    """Return what `publish_layout` would send, without asking the registry: `sent` are all blobs.

    Raises:
        PackageError: there is no layout, or it is damaged.
        PublishError: the reference is wrong.

    """
    plugin = parse_reference(ref)
    places = {"plugin": plugin, "ruleset": plugin.rules()}
    return [
        Published(
            kind=found.kind,
            repository=places[found.kind].name,
            tags=_tags(found, places[found.kind], floating=floating_tags),
            digest=found.top.digest,
            sent=len(found.blobs),
            kept=0,
        )
        for found in read_layout(folder)
    ]


def _tags(artifact: StoredArtifact, place: Reference, *, floating: bool) -> tuple[str, ...]:
    """Return the tags, the fixed one first: `latest` must never be newer than it."""
    tags = [place.tag or artifact.version]
    if floating:
        tags += [artifact.version, *tags_that_float(artifact.version)]
    return tuple(dict.fromkeys(tags))


@dataclass(frozen=True, kw_only=True)
class _Push:
    """Sends a layout's folder to a registry."""

    client: RegistryClient
    folder: Path
    progress: Callable[[str], None]

    def content(self, artifact: StoredArtifact, place: Reference) -> int:
        """Send everything below the tag; return how many blobs the registry did not have."""
        sent = 0
        for blob in artifact.blobs:
            if not self._is_there(blob, place):
                self.progress(f"sending {_size(blob.size)} to {place.name}")
                self._upload(blob, place)
                sent += 1
        for manifest in artifact.manifests:
            self._put_manifest(manifest, place, manifest.digest)
        return sent

    def tag(self, top: Blob, place: Reference, tag: str) -> None:
        """Tag the artifact, and check the tag afterwards."""
        before = self._digest_at(top, place, tag)
        if before and before != top.digest:
            self.progress(f"moving {place.name}:{tag}, which was {before}")
        self._put_manifest(top, place, tag)
        after = self._digest_at(top, place, tag)
        if after != top.digest:
            raise PublishError(
                f"{place.name}:{tag} is {after or 'not there'} after the push, not {top.digest}",
                hint="another publisher may be running, or the registry modifies manifests",
            )

    def _is_there(self, blob: Blob, place: Reference) -> bool:
        url = self.client.url(place.repository, f"blobs/{blob.digest}")
        answer = self.client.request("HEAD", url)
        if answer.is_ok or answer.is_redirect:  # registries redirect to blobs that they have
            return True
        if answer.status == _NOT_FOUND:
            return False
        raise self._refused(place, answer)

    def _upload(self, blob: Blob, place: Reference) -> None:
        opened = self.client.request("POST", self.client.url(place.repository, "blobs/uploads/"))
        location = opened.headers.get("Location")
        if not opened.is_ok or not location:
            raise self._refused(place, opened)
        target = urljoin(opened.url, location)
        joint = "&" if urlsplit(target).query else "?"
        answer = self.client.request(
            "PUT",
            f"{target}{joint}{urlencode({'digest': blob.digest})}",
            headers={"Content-Type": "application/octet-stream"},
            body=blob_path(self.folder, blob.digest),
        )
        if not answer.is_ok:
            raise self._refused(place, answer)

    def _put_manifest(self, blob: Blob, place: Reference, name: str) -> None:
        answer = self.client.request(
            "PUT",
            self.client.url(place.repository, f"manifests/{name}"),
            headers={"Content-Type": blob.media_type},
            body=blob_path(self.folder, blob.digest),
        )
        if not answer.is_ok:
            raise self._refused(place, answer)

    def _digest_at(self, top: Blob, place: Reference, tag: str) -> str | None:
        """Return the digest of a tag, or None if there is no such tag."""
        url = self.client.url(place.repository, f"manifests/{tag}")
        accept = {"Accept": top.media_type}
        answer = self.client.request("HEAD", url, headers=accept)
        if answer.is_ok and answer.headers.get("Docker-Content-Digest"):
            return answer.headers["Docker-Content-Digest"]
        if answer.is_ok:  # the header is optional
            answer = self.client.request("GET", url, headers=accept)
        if answer.status == _NOT_FOUND:
            return None
        if not answer.is_ok:
            raise self._refused(place, answer)
        return digest_of(answer.body)

    def _refused(self, place: Reference, answer: Answer) -> PublishError:
        what = f"{place.registry} refused {place.repository}: {_reason(answer)}"
        log_in = f"docker login {place.registry}"
        hint: str | None = None
        if answer.status in _FORBIDDEN and self.client.login is None:
            hint = f"{config_file()} holds no login for it: {log_in}"
        elif answer.status in _FORBIDDEN:
            hint = f"the login in {config_file()} is wrong, or may not write there: {log_in}"
        elif answer.status == _NOT_FOUND:
            hint = "the repository may have to be created first, in the registry's own console"
        elif answer.status == _TOO_LARGE:
            hint = "the registry, or a proxy in front of it, limits the size of uploads"
        elif answer.status == _TOO_MANY or answer.status >= _SERVER_FAULT:
            hint = "try again later; blobs already sent are kept"
        return PublishError(what, hint=hint)


def _reason(answer: Answer) -> str:
    """Return the registry's own message, if it sent one."""
    try:
        error = json.loads(answer.body)["errors"][0]
        text = f"{error['code']}: {error.get('message') or ''}".strip(": ")[:_LONGEST_REASON]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return f"status {answer.status}"
    return f"{text} (status {answer.status})"


def _size(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} MB" if size >= _MEGABYTE else f"{size} bytes"
