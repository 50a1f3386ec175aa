# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout with the plugin and its rules, in the form that falcoctl installs.

The plugin is an image index with one manifest per platform, the rules have a manifest of their own
without a platform; `index.json` names both:

    plugin/<name>:<version>    -> index -> manifest (linux/amd64, linux/arm64) -> config, tar.gz
    ruleset/<name>:<version>   -> manifest -> config, tar.gz

Each blob is named by its digest. JSON is written with sorted keys and without spaces, so the same
artifact has the same digest wherever it is made. A new layout is written next to the old one and
replaces it at the end.

A layout that is read may come from another machine: its digests name files, so they are checked
before they become paths, and the content of each file is compared with its digest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import msgspec

from falcokit.errors import PackageError
from falcokit.package.artifact.names import (
    check_artifact_name,
    check_version,
    is_artifact_name,
    is_version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from falcokit.package.artifact.rules import RulesArtifact

__all__ = [
    "Blob",
    "OciLayout",
    "PackagedPlugin",
    "StoredArtifact",
    "blob_path",
    "digest_of",
    "read_layout",
    "stored_layers",
    "write_layout",
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
#: Machine as `uname -m` prints it -> platform as Go and OCI name it.
PLATFORMS: Final = {"x86_64": "amd64", "aarch64": "arm64"}

_T = TypeVar("_T")

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_GZIP: Final = b"\x1f\x8b"
_AGAIN: Final = "make it again: falcokit package --oci"
_LARGEST_DOCUMENT: Final = 4 << 20
"""The size of a manifest that registries accept."""
_KINDS: Final = {"plugin": INDEX, "ruleset": MANIFEST}


class Blob(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One stored blob, as descriptors name it."""

    media_type: str
    digest: str
    size: int

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """Return the descriptor; `more` is what only this place says about the blob."""
        return {**msgspec.to_builtins(self), **more}


def _canonical(value: Any) -> bytes:
    """Return the canonical JSON text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(data: bytes) -> str:
    """Return the digest as OCI writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def blob_path(folder: Path, digest: str) -> Path:
    """Return where a blob is stored. The digest may come from a file: it is checked first."""
    if not _DIGEST.fullmatch(digest):
        raise PackageError(f"{folder}: {digest[:80]!r} is not a SHA-256 digest")
    return folder / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _put_bytes(folder: Path, media_type: str, data: bytes) -> Blob:
    """Store bytes."""
    blob = Blob(media_type=media_type, digest=digest_of(data), size=len(data))
    blob_path(folder, blob.digest).write_bytes(data)
    return blob


def _put_file(folder: Path, media_type: str, source: Path) -> Blob:
    """Store a copy of a file. The copy is hashed: the file may be written to meanwhile."""
    copy = folder / "blobs" / "sha256" / ".copy"
    shutil.copyfile(source, copy)
    digest = _digest_of_file(copy)
    blob = Blob(media_type=media_type, digest=digest, size=copy.stat().st_size)
    copy.replace(blob_path(folder, digest))
    return blob


@dataclass(frozen=True, kw_only=True)
class PackagedPlugin:
    """One version of a plugin, packaged for one or more machines."""

    name: str
    version: str
    required_api_version: str
    archives: Mapping[str, Path]
    """The tar.gz for each machine as `uname -m` prints it: x86_64, aarch64."""

    @property
    def machines(self) -> list[str]:
        """The machines in the order of the layout."""
        return [machine for machine in PLATFORMS if machine in self.archives]


@dataclass(frozen=True, kw_only=True)
class OciLayout:
    """A written layout, and the digests to sign and to install by."""

    folder: Path
    plugin_digest: str
    """Of the image index."""
    rules_digest: str | None
    """Of the rules' manifest."""
    platforms: tuple[str, ...]
    """For instance ("linux/amd64", "linux/arm64")."""


def write_layout(
    folder: Path, plugin: PackagedPlugin, *, rules: RulesArtifact | None = None
) -> OciLayout:
    """Write the layout, replacing an existing one.

    Raises:
        PackageError: rules of another version, a name or version that falcoctl refuses, a file
            that cannot be read or a folder that cannot be written.

    """
    _check_plugin(plugin)
    if rules is not None and rules.version != plugin.version:
        raise PackageError(
            f"the rules have version {rules.version}, the plugin {plugin.version}",
            hint="package both again",
        )
    if folder.is_symlink() or (
        folder.exists() and not (folder / "oci-layout").is_file() and not _is_empty(folder)
    ):
        raise PackageError(
            f"{folder} is not an OCI layout, and would be replaced", hint="move it away first"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".oci-") as making:
            new = Path(making) / "oci"
            layout = _write(new, folder, plugin, rules)
            _swap(new, folder, Path(making) / "old")
    except OSError as e:
        raise PackageError(
            f"the OCI layout {folder} cannot be written: {e.strerror or e}",
            hint="check the free space and the permissions of its folder",
        ) from e
    return layout


def _check_plugin(plugin: PackagedPlugin) -> None:
    check_artifact_name(plugin.name)
    check_version(plugin.version)
    if not is_version(plugin.required_api_version):
        raise PackageError(f"{plugin.required_api_version!r} is not a plugin API version")
    for machine, archive in plugin.archives.items():
        if machine not in PLATFORMS:
            raise PackageError(
                f"{archive.name}: falcoctl has no platform for {machine!r}",
                hint=f"the machines are {' and '.join(PLATFORMS)}",
            )
        _check_archive(archive)


def _check_archive(path: Path) -> None:
    try:
        with path.open("rb") as file:
            is_gzip = file.read(len(_GZIP)) == _GZIP
    except OSError as e:
        raise PackageError(f"{path} cannot be read: {e.strerror}") from e
    if not is_gzip:
        raise PackageError(f"{path} is not a tar.gz", hint="package the plugin again")


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _write(
    new: Path, folder: Path, plugin: PackagedPlugin, rules: RulesArtifact | None
) -> OciLayout:
    (new / "blobs" / "sha256").mkdir(parents=True)
    index = _plugin_index(new, plugin)
    name, version = plugin.name, plugin.version
    entries = [index.descriptor(annotations={REF_NAME: f"plugin/{name}:{version}"})]
    manifest = None
    if rules is not None:
        manifest = _rules_manifest(new, rules)
        entries.append(manifest.descriptor(annotations={REF_NAME: f"ruleset/{name}:{version}"}))
    index_json = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    (new / "index.json").write_bytes(_canonical(index_json))
    (new / "oci-layout").write_bytes(_canonical({"imageLayoutVersion": LAYOUT_VERSION}))
    return OciLayout(
        folder=folder,
        plugin_digest=index.digest,
        rules_digest=manifest.digest if manifest else None,
        platforms=tuple(f"linux/{PLATFORMS[machine]}" for machine in plugin.machines),
    )


def _plugin_index(new: Path, plugin: PackagedPlugin) -> Blob:
    config = {
        "name": plugin.name,
        "version": plugin.version,
        "requirements": [{"name": "plugin_api_version", "version": plugin.required_api_version}],
    }
    entries = []
    for machine in plugin.machines:
        manifest = _manifest(new, PLUGIN_CONFIG, config, PLUGIN_LAYER, plugin.archives[machine])
        platform = {"os": "linux", "architecture": PLATFORMS[machine]}
        entries.append(manifest.descriptor(platform=platform))
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return _put_bytes(new, INDEX, _canonical(index))


def _rules_manifest(new: Path, rules: RulesArtifact) -> Blob:
    check_artifact_name(rules.name)
    check_version(rules.version)
    _check_archive(rules.path)
    config: dict[str, Any] = {"name": rules.name, "version": rules.version}
    if rules.dependencies:
        config["dependencies"] = [dependency.document() for dependency in rules.dependencies]
    if rules.engine_version is not None:
        config["requirements"] = [
            {"name": "engine_version_semver", "version": rules.engine_version}
        ]
    return _manifest(new, RULES_CONFIG, config, RULES_LAYER, rules.path)


def _manifest(
    new: Path, config_type: str, config: dict[str, Any], layer_type: str, layer: Path
) -> Blob:
    stored = _put_bytes(new, config_type, _canonical(config))
    packed = _put_file(new, layer_type, layer)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        # No annotations on the config: Amazon's registry refuses them.
        "config": stored.descriptor(),
        # falcoctl takes the file's name from the title.
        "layers": [packed.descriptor(annotations={TITLE: layer.name})],
    }
    return _put_bytes(new, MANIFEST, _canonical(manifest))


def _swap(new: Path, folder: Path, old: Path) -> None:
    """Replace the old folder with the new one; on failure the old one is restored."""
    had_one = folder.exists()
    if had_one:
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if had_one:
            with contextlib.suppress(OSError):
                old.rename(folder)
        raise
    if had_one:
        shutil.rmtree(old, ignore_errors=True)


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


def stored_layers(folder: Path, artifact: StoredArtifact) -> list[Path]:
    """Return the archives of an artifact that `read_layout` has found."""
    layers = (blob for blob in artifact.blobs if blob.media_type in {PLUGIN_LAYER, RULES_LAYER})
    return [blob_path(folder, blob.digest) for blob in layers]


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
        actual = _digest_of_file(path)
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
