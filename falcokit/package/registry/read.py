# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout read back, every blob checked before anything of it is sent.

The layout may come from another machine: its digests name files, so they are checked before they
become paths, and the content of each file is compared with its digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec

from falcokit.errors import PackageError
from falcokit.package.artifact.names import is_artifact_name, is_version
from falcokit.package.registry.store import INDEX, MANIFEST, REF_NAME, Blob, blob_path

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["StoredArtifact", "read_layout"]

_T = TypeVar("_T")

_AGAIN: Final = "make it again: falcokit package --oci"
_LARGEST_DOCUMENT: Final = 4 << 20
"""The size of a manifest that registries accept."""
_KINDS: Final = {"plugin": INDEX, "ruleset": MANIFEST}


class _Entry(Blob, frozen=True, kw_only=True):
    annotations: dict[str, Any] | None = None


class _Index(msgspec.Struct):
    manifests: Annotated[list[_Entry], msgspec.Meta(min_length=1)]


class _Manifest(msgspec.Struct):
    config: Blob
    layers: Annotated[list[Blob], msgspec.Meta(min_length=1)]


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
    for entry in _read(folder, folder / "index.json", _Index).manifests:
        artifact = _artifact(folder, entry)
        if artifact.kind in found:
            raise PackageError(f"{folder} holds more than one {artifact.kind}", hint=_AGAIN)
        found[artifact.kind] = artifact
    if "plugin" not in found:
        raise PackageError(f"{folder} holds no plugin", hint=_AGAIN)
    return [found[kind] for kind in _KINDS if kind in found]


def _artifact(folder: Path, top: _Entry) -> StoredArtifact:
    path = _checked(folder, top)
    named = (top.annotations or {}).get(REF_NAME)
    kind, _, rest = named.partition("/") if isinstance(named, str) else ("", "", "")
    name, _, version = rest.partition(":")
    if _KINDS.get(kind) != top.media_type or not is_artifact_name(name) or not is_version(version):
        raise PackageError(f"{folder}/index.json names an artifact {named!r}", hint=_AGAIN)
    manifests = _read(folder, path, _Index).manifests if top.media_type == INDEX else []
    blobs: dict[str, Blob] = {}
    for document in [_checked(folder, found) for found in manifests] or [path]:
        manifest = _read(folder, document, _Manifest)
        for blob in (manifest.config, *manifest.layers):
            _checked(folder, blob)
            blobs[blob.digest] = blob
    return StoredArtifact(
        kind=kind,
        name=name,
        version=version,
        top=top,
        manifests=tuple(manifests),
        blobs=tuple(blobs.values()),
    )


def _checked(folder: Path, blob: Blob) -> Path:
    """Return where a blob is stored, after comparing the file with its digest and size."""
    path = blob_path(folder, blob.digest)
    try:
        with path.open("rb") as file:
            actual = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        length = path.stat().st_size
    except OSError as e:
        raise PackageError(f"{path} cannot be read: {e.strerror}", hint=_AGAIN) from e
    if actual != blob.digest or length != blob.size:
        raise PackageError(f"{path} was changed after it was made", hint=_AGAIN)
    return path


def _read(folder: Path, path: Path, kind: type[_T]) -> _T:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_DOCUMENT + 1)
        if len(text) > _LARGEST_DOCUMENT:
            raise PackageError(f"{folder} is damaged: {path.name} is too large", hint=_AGAIN)
        return msgspec.json.decode(text, type=kind)
    except OSError as e:
        raise PackageError(f"{path} cannot be read: {e.strerror}", hint=_AGAIN) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise PackageError(f"{folder} is damaged: {path.name}: {e}", hint=_AGAIN) from e
