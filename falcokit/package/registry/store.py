# SPDX-License-Identifier: Apache-2.0
"""The blobs of an OCI image layout, named by their digests, and the constants of the format.

JSON is written with sorted keys and without spaces: the same artifact has the same digest wherever
it is made.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

import msgspec

from falcokit.errors import PackageError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "INDEX",
    "LAYOUT_VERSION",
    "MANIFEST",
    "PLATFORMS",
    "PLUGIN_CONFIG",
    "PLUGIN_LAYER",
    "REF_NAME",
    "RULES_CONFIG",
    "RULES_LAYER",
    "TITLE",
    "Blob",
    "blob_path",
    "canonical",
    "digest_of",
    "put_bytes",
    "put_file",
]

INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
PLUGIN_CONFIG: Final = "application/vnd.cncf.falco.plugin.config.v1+json"
PLUGIN_LAYER: Final = "application/vnd.cncf.falco.plugin.layer.v1+tar.gz"
RULES_CONFIG: Final = "application/vnd.cncf.falco.rulesfile.config.v1+json"
RULES_LAYER: Final = "application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz"
TITLE: Final = "org.opencontainers.image.title"
REF_NAME: Final = "org.opencontainers.image.ref.name"
LAYOUT_VERSION: Final = "1.0.0"
#: Machine as `uname -m` says it -> platform as Go and OCI say it.
PLATFORMS: Final = {"x86_64": "amd64", "aarch64": "arm64"}

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Blob(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One stored blob, as descriptors name it."""

    media_type: str
    digest: str
    size: int

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """Return the descriptor; `more` is what only this place says about the blob."""
        return {**msgspec.to_builtins(self), **more}


def canonical(value: Any) -> bytes:
    """Return the canonical JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(data: bytes) -> str:
    """Return the digest as OCI writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def blob_path(folder: Path, digest: str) -> Path:
    """Return where a blob is stored. The digest may come from a file: it is checked first."""
    if not _DIGEST.fullmatch(digest):
        raise PackageError(f"{folder}: {digest[:80]!r} is not a SHA-256 digest")
    return folder / "blobs" / "sha256" / digest.removeprefix("sha256:")


def put_bytes(folder: Path, media_type: str, data: bytes) -> Blob:
    """Store bytes."""
    blob = Blob(media_type=media_type, digest=digest_of(data), size=len(data))
    blob_path(folder, blob.digest).write_bytes(data)
    return blob


def put_file(folder: Path, media_type: str, source: Path) -> Blob:
    """Store a copy of a file. The copy is hashed: the file may be written to meanwhile."""
    copy = folder / "blobs" / "sha256" / ".copy"
    shutil.copyfile(source, copy)
    with copy.open("rb") as data:
        digest = f"sha256:{hashlib.file_digest(data, 'sha256').hexdigest()}"
    blob = Blob(media_type=media_type, digest=digest, size=copy.stat().st_size)
    copy.replace(blob_path(folder, digest))
    return blob
