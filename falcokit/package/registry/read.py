# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout read back, every blob checked, before anything of it is sent.

The layout may come from another machine: its digests name files, so they are checked before they
become paths, and what a file holds is compared with its digest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from falcokit.errors import PackageError
from falcokit.package.artifact.names import is_artifact_name, is_version
from falcokit.package.registry.store import INDEX, MANIFEST, REF_NAME, Blob, blob_path

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["StoredArtifact", "read_layout"]

_AGAIN: Final = "make it again: falcokit package --oci"
_LARGEST_DOCUMENT: Final = 4 << 20
"""What registries take for a manifest."""
_KINDS: Final = {"plugin": INDEX, "ruleset": MANIFEST}


@dataclass(frozen=True, kw_only=True)
class StoredArtifact:
    """One artifact of a layout: its top manifest, and what has to be there before that."""

    kind: str
    """`plugin` or `ruleset`."""
    name: str
    version: str
    top: Blob
    """The plugin's image index, or the rules' manifest."""
    manifests: tuple[Blob, ...]
    """The manifests below the index."""
    blobs: tuple[Blob, ...]
    """Configs and layers."""


def read_layout(folder: Path) -> list[StoredArtifact]:
    """Return the artifacts of a layout, the plugin first.

    Raises:
        PackageError: there is no layout, or it is damaged.

    """
    if not (folder / "oci-layout").is_file():
        raise PackageError(f"there is no OCI layout in {folder}", hint="run falcokit package --oci")
    found = {}
    for entry in _list(folder, _document(folder, folder / "index.json"), "manifests"):
        artifact = _artifact(folder, entry)
        if artifact.kind in found:
            raise PackageError(f"{folder} holds more than one {artifact.kind}", hint=_AGAIN)
        found[artifact.kind] = artifact
    if "plugin" not in found:
        raise PackageError(f"{folder} holds no plugin", hint=_AGAIN)
    return [found[kind] for kind in _KINDS if kind in found]


def _artifact(folder: Path, entry: Any) -> StoredArtifact:
    top = _blob(folder, entry)
    annotations = entry.get("annotations")
    named = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    kind, _, rest = named.partition("/") if isinstance(named, str) else ("", "", "")
    name, _, version = rest.partition(":")
    if _KINDS.get(kind) != top.media_type or not is_artifact_name(name) or not is_version(version):
        raise PackageError(f"{folder}/index.json names an artifact {named!r}", hint=_AGAIN)
    document = _document(folder, blob_path(folder, top.digest))
    manifests: list[Blob] = []
    documents = [document]
    if top.media_type == INDEX:
        manifests = [_blob(folder, item) for item in _list(folder, document, "manifests")]
        documents = [_document(folder, blob_path(folder, found.digest)) for found in manifests]
    blobs: dict[str, Blob] = {}
    for manifest in documents:
        for item in (manifest.get("config"), *_list(folder, manifest, "layers")):
            blob = _blob(folder, item)
            blobs[blob.digest] = blob
    return StoredArtifact(
        kind=kind,
        name=name,
        version=version,
        top=top,
        manifests=tuple(manifests),
        blobs=tuple(blobs.values()),
    )


def _blob(folder: Path, descriptor: Any) -> Blob:
    """Return the blob of a descriptor, after comparing it with what is stored."""
    fields = descriptor if isinstance(descriptor, dict) else {}
    media_type, digest, size = (fields.get(key) for key in ("mediaType", "digest", "size"))
    if not isinstance(media_type, str) or not isinstance(digest, str) or not isinstance(size, int):
        raise PackageError(f"{folder} is damaged: a descriptor is incomplete", hint=_AGAIN)
    path = blob_path(folder, digest)
    try:
        with path.open("rb") as file:
            actual = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        length = path.stat().st_size
    except OSError as e:
        raise PackageError(f"{path} cannot be read: {e.strerror}", hint=_AGAIN) from e
    if actual != digest or length != size:
        raise PackageError(f"{path} was changed after it was made", hint=_AGAIN)
    return Blob(media_type=media_type, digest=digest, size=size)


def _document(folder: Path, path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_DOCUMENT + 1)
    except OSError as e:
        raise PackageError(f"{path} cannot be read: {e.strerror}", hint=_AGAIN) from e
    try:
        document = json.loads(text) if len(text) <= _LARGEST_DOCUMENT else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise PackageError(f"{folder} is damaged: {path.name} is no JSON object", hint=_AGAIN)
    return document


def _list(folder: Path, document: dict[str, Any], key: str) -> list[Any]:
    value = document.get(key)
    if not isinstance(value, list) or not value:
        raise PackageError(f"{folder} is damaged: there are no {key}", hint=_AGAIN)
    return value
