# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout with the plugin and its rules, in the form falcoctl installs.

The plugin is an image index with one manifest per platform, the rules are a manifest of their own
without a platform; `index.json` names both:

    plugin/<name>:<version>    -> index -> manifest (linux/amd64, linux/arm64) -> config, tar.gz
    ruleset/<name>:<version>   -> manifest -> config, tar.gz

The new layout is written next to the old one and replaces it at the end.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from falcokit.errors import PackageError
from falcokit.package.artifact.names import check_artifact_name, check_version, is_version
from falcokit.package.registry.store import (
    INDEX,
    LAYOUT_VERSION,
    MANIFEST,
    PLATFORMS,
    PLUGIN_CONFIG,
    PLUGIN_LAYER,
    REF_NAME,
    RULES_CONFIG,
    RULES_LAYER,
    TITLE,
    Blob,
    canonical,
    put_bytes,
    put_file,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from falcokit.package.artifact.rules_artifact import RulesArtifact

__all__ = ["OciLayout", "PluginArtifact", "write_layout"]

_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class PluginArtifact:
    """One packaged plugin: the tar.gz for one machine, and its content."""

    path: Path
    name: str
    version: str
    arch: str
    """As `uname -m` prints it: x86_64 or aarch64."""
    required_api_version: str


@dataclass(frozen=True, kw_only=True)
class OciLayout:
    """A written layout, and the digests to sign and to install by."""

    folder: Path
    name: str
    version: str
    plugin_digest: str
    """Of the image index."""
    rules_digest: str | None
    """Of the rules' manifest."""
    platforms: tuple[str, ...]
    """For instance ("linux/amd64", "linux/arm64")."""


def write_layout(
    folder: Path, plugins: Sequence[PluginArtifact], *, rules: RulesArtifact | None = None
) -> OciLayout:
    """Write the layout, replacing an existing one.

    Raises:
        PackageError: artifacts that do not belong together, a name or version that falcoctl
            refuses, a file that cannot be read or a folder that cannot be written.

    """
    ordered = _checked(plugins)
    if rules is not None and rules.version != ordered[0].version:
        raise PackageError(
            f"the rules have version {rules.version}, the plugin {ordered[0].version}",
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
            layout = _write(new, folder, ordered, rules)
            _swap(new, folder, Path(making) / "old")
    except OSError as e:
        raise PackageError(
            f"the OCI layout {folder} cannot be written: {e.strerror or e}",
            hint="check the free space and the permissions of its folder",
        ) from e
    return layout


def _checked(plugins: Sequence[PluginArtifact]) -> list[PluginArtifact]:
    """Return the artifacts by platform, after checking that they are one plugin."""
    if not plugins:
        raise PackageError("there is no packaged plugin for an OCI layout")
    first = plugins[0]
    check_artifact_name(first.name)
    check_version(first.version)
    seen: dict[str, PluginArtifact] = {}
    for plugin in plugins:
        if (plugin.name, plugin.version) != (first.name, first.version):
            raise PackageError(
                f"{plugin.path.name} contains {plugin.name} {plugin.version}, but {first.path.name}"
                f" {first.name} {first.version}",
                hint="an OCI layout holds one version of one plugin",
            )
        if plugin.arch not in PLATFORMS:
            raise PackageError(
                f"{plugin.path.name}: falcoctl has no platform for {plugin.arch!r}",
                hint=f"the machines are {' and '.join(PLATFORMS)}",
            )
        if plugin.arch in seen:
            raise PackageError(
                f"{plugin.path.name} and {seen[plugin.arch].path.name} are both for {plugin.arch}"
            )
        if not is_version(plugin.required_api_version):
            raise PackageError(
                f"{plugin.path.name}: {plugin.required_api_version!r} is not a plugin API version"
            )
        if plugin.required_api_version != first.required_api_version:
            # The operator reads the config of one platform for all of them.
            raise PackageError(
                f"{plugin.path.name} needs plugin API {plugin.required_api_version}, and"
                f" {first.path.name} {first.required_api_version}",
                hint="package both from the same source with the same falcokit",
            )
        _check_archive(plugin.path)
        seen[plugin.arch] = plugin
    return [seen[arch] for arch in PLATFORMS if arch in seen]


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
    new: Path, folder: Path, plugins: list[PluginArtifact], rules: RulesArtifact | None
) -> OciLayout:
    (new / "blobs" / "sha256").mkdir(parents=True)
    first = plugins[0]
    index = _plugin_index(new, plugins)
    name, version = first.name, first.version
    entries = [index.descriptor(annotations={REF_NAME: f"plugin/{name}:{version}"})]
    manifest = None
    if rules is not None:
        manifest = _rules_manifest(new, rules)
        entries.append(manifest.descriptor(annotations={REF_NAME: f"ruleset/{name}:{version}"}))
    index_json = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    (new / "index.json").write_bytes(canonical(index_json))
    (new / "oci-layout").write_bytes(canonical({"imageLayoutVersion": LAYOUT_VERSION}))
    return OciLayout(
        folder=folder,
        name=name,
        version=version,
        plugin_digest=index.digest,
        rules_digest=manifest.digest if manifest else None,
        platforms=tuple(f"linux/{PLATFORMS[plugin.arch]}" for plugin in plugins),
    )


def _plugin_index(new: Path, plugins: list[PluginArtifact]) -> Blob:
    entries = []
    for plugin in plugins:
        config = {
            "name": plugin.name,
            "version": plugin.version,
            "requirements": [
                {"name": "plugin_api_version", "version": plugin.required_api_version}
            ],
        }
        manifest = _manifest(new, PLUGIN_CONFIG, config, PLUGIN_LAYER, plugin.path)
        platform = {"os": "linux", "architecture": PLATFORMS[plugin.arch]}
        entries.append(manifest.descriptor(platform=platform))
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    return put_bytes(new, INDEX, canonical(index))


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
    stored = put_bytes(new, config_type, canonical(config))
    packed = put_file(new, layer_type, layer)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        # No annotations on the config: Amazon's registry refuses them.
        "config": stored.descriptor(),
        # falcoctl takes the file's name from the title.
        "layers": [packed.descriptor(annotations={TITLE: layer.name})],
    }
    return put_bytes(new, MANIFEST, canonical(manifest))


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
