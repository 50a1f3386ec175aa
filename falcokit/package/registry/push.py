# SPDX-License-Identifier: Apache-2.0
"""The four requests of a push: is a blob there, send it, put a manifest, look at a tag.

The bytes are those of the layout's files, so the digests are too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from falcokit.errors import PublishError
from falcokit.package.registry.login import config_file
from falcokit.package.registry.store import Blob, blob_path, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from falcokit.package.registry.client import Answer, RegistryClient
    from falcokit.package.registry.read import StoredArtifact
    from falcokit.package.registry.reference import Reference

__all__ = ["Push"]

_NOT_FOUND: Final = 404
_TOO_LARGE: Final = 413
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_FORBIDDEN: Final = (401, 403)
_LONGEST_REASON: Final = 200
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Push:
    """A layout's folder on its way to a registry."""

    client: RegistryClient
    folder: Path
    tell: Callable[[str], None]

    def content(self, artifact: StoredArtifact, place: Reference) -> int:
        """Send all that lies below the tag; return how many blobs the registry did not have."""
        sent = 0
        for blob in artifact.blobs:
            if not self._is_there(blob, place):
                self.tell(f"sending {_size(blob.size)} to {place.name}")
                self._upload(blob, place)
                sent += 1
        for manifest in artifact.manifests:
            self._put_manifest(manifest, place, manifest.digest)
        return sent

    def tag(self, top: Blob, place: Reference, tag: str) -> None:
        """Put a tag on the artifact, and see that it is there."""
        before = self._digest_at(top, place, tag)
        if before and before != top.digest:
            self.tell(f"moving {place.name}:{tag}, which was {before}")
        self._put_manifest(top, place, tag)
        after = self._digest_at(top, place, tag)
        if after != top.digest:
            raise PublishError(
                f"{place.name}:{tag} is {after or 'not there'} after the push, not {top.digest}",
                hint="somebody else may publish now, or the registry changes what it gets",
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
        target = self.client.resolve(opened, location)
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
        """Return the digest that a tag stands for, or None where there is no such tag."""
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
            hint = "the repository may have to be made first, in the registry's own console"
        elif answer.status == _TOO_LARGE:
            hint = "the registry, or a proxy before it, has a limit for uploads"
        elif answer.status == _TOO_MANY or answer.status >= _SERVER_FAULT:
            hint = "try again later; what was sent is not sent again"
        return PublishError(what, hint=hint)


def _reason(answer: Answer) -> str:
    """Return the registry's own words, if it has some."""
    try:
        error = json.loads(answer.body)["errors"][0]
        text = f"{error['code']}: {error.get('message') or ''}".strip(": ")[:_LONGEST_REASON]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return f"status {answer.status}"
    return f"{text} (status {answer.status})"


def _size(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} MB" if size >= _MEGABYTE else f"{size} bytes"
