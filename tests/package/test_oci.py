# SPDX-License-Identifier: Apache-2.0
"""The OCI layout: falcoctl's form, the same bytes each time, in place of the old one or refused."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from registry import make_layout, make_plugin, make_rules

from falcokit.errors import PackageError
from falcokit.package.registry import layout as oci
from falcokit.package.registry.layout import read_layout, write_layout

PLUGIN = "application/vnd.cncf.falco.plugin"
RULESFILE = "application/vnd.cncf.falco.rulesfile"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def blob(layout: Path, descriptor: dict[str, Any]) -> bytes:
    """Give what a descriptor names, checked as any client checks it."""
    algorithm, _, digest = descriptor["digest"].partition(":")
    data = (layout / "blobs" / algorithm / digest).read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest
    assert len(data) == descriptor["size"]
    return data


def document(layout: Path, descriptor: dict[str, Any]) -> Any:
    return json.loads(blob(layout, descriptor))


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_plugin_is_an_index_with_a_manifest_per_platform(tmp_path: Path) -> None:
    made = make_layout(tmp_path)
    layout = made.folder
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    top, _ = json.loads((layout / "index.json").read_text())["manifests"]
    assert top["mediaType"] == INDEX
    assert top["digest"] == made.plugin_digest
    assert top["annotations"] == {"org.opencontainers.image.ref.name": "plugin/ticker:0.1.0"}
    index = document(layout, top)
    assert (index["schemaVersion"], index["mediaType"]) == (2, INDEX)
    assert [found["platform"] for found in index["manifests"]] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm64"},
    ]
    for found, arch in zip(index["manifests"], ("x86_64", "aarch64"), strict=True):
        manifest = document(layout, found)
        assert found["mediaType"] == manifest["mediaType"] == MANIFEST
        assert set(manifest) == {"schemaVersion", "mediaType", "config", "layers"}
        assert manifest["config"]["mediaType"] == f"{PLUGIN}.config.v1+json"
        assert "annotations" not in manifest["config"]  # Amazon's registry refuses them
        assert document(layout, manifest["config"]) == {
            "name": "ticker",
            "version": "0.1.0",
            "requirements": [{"name": "plugin_api_version", "version": "3.12.0"}],
        }
        (layer,) = manifest["layers"]
        title = f"ticker-0.1.0-linux-{arch}.tar.gz"
        assert layer["mediaType"] == f"{PLUGIN}.layer.v1+tar.gz"
        assert layer["annotations"] == {"org.opencontainers.image.title": title}
        assert blob(layout, layer) == (tmp_path / "dist" / title).read_bytes()
    assert made.platforms == ("linux/amd64", "linux/arm64")


def test_the_rules_are_a_manifest_without_a_platform(tmp_path: Path) -> None:
    made = make_layout(tmp_path)
    _, top = json.loads((made.folder / "index.json").read_text())["manifests"]
    assert (top["mediaType"], top["digest"]) == (MANIFEST, made.rules_digest)
    assert top["annotations"] == {"org.opencontainers.image.ref.name": "ruleset/ticker:0.1.0"}
    assert "platform" not in top
    manifest = document(made.folder, top)
    assert manifest["config"]["mediaType"] == f"{RULESFILE}.config.v1+json"
    assert document(made.folder, manifest["config"]) == {
        "name": "ticker-rules",
        "version": "0.1.0",
        "dependencies": [{"name": "ticker", "version": "0.1.0"}],
        "requirements": [{"name": "engine_version_semver", "version": "0.31.0"}],
    }
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == f"{RULESFILE}.layer.v1+tar.gz"
    assert layer["annotations"] == {"org.opencontainers.image.title": "ticker-rules-0.1.0.tar.gz"}


def test_a_layout_without_rules_holds_the_plugin_alone(tmp_path: Path) -> None:
    made = make_layout(tmp_path, rules=False)
    assert made.rules_digest is None
    assert [found.kind for found in read_layout(made.folder)] == ["plugin"]


def test_the_same_artifacts_make_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    first = make_layout(tmp_path)
    plugin = make_plugin(tmp_path / "dist", "aarch64", "x86_64")
    second = write_layout(tmp_path / "again", plugin, rules=make_rules(tmp_path))
    assert tree(first.folder) == tree(second.folder)
    assert first.plugin_digest == second.plugin_digest


def test_no_blob_is_left_that_nothing_names(tmp_path: Path) -> None:
    made = make_layout(tmp_path)
    named = {
        found.digest.removeprefix("sha256:")
        for artifact in read_layout(made.folder)
        for found in (artifact.top, *artifact.manifests, *artifact.blobs)
    }
    assert {path.name for path in (made.folder / "blobs" / "sha256").iterdir()} == named


def test_a_new_layout_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    old = make_layout(tmp_path, rules=False)
    before = tree(old.folder)
    new = make_layout(tmp_path, version="0.1.1", rules=False)
    assert new.plugin_digest != old.plugin_digest
    assert set(before) & set(tree(new.folder)) == {"index.json", "oci-layout"}
    assert read_layout(new.folder)[0].version == "0.1.1"
    assert not list((tmp_path / "dist").glob(".oci-*"))


def test_the_old_layout_stays_where_the_new_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_layout(tmp_path)
    before = tree(old.folder)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(oci, "_put_file", full)
    with pytest.raises(PackageError, match="No space left on device"):
        make_layout(tmp_path, version="0.1.1")
    assert tree(old.folder) == before
    assert not list((tmp_path / "dist").glob(".oci-*"))


def test_the_old_layout_is_put_back_where_the_new_one_cannot_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_layout(tmp_path)
    before = tree(old.folder)
    rename = Path.rename

    def refuse_new(path: Path, target: Path) -> Path:
        if path.name == "oci" and path != old.folder:
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(PackageError, match="Permission denied"):
        make_layout(tmp_path, version="0.1.1")
    assert tree(old.folder) == before


def test_a_folder_that_is_no_layout_is_not_replaced(tmp_path: Path) -> None:
    precious = tmp_path / "dist" / "oci" / "precious"
    precious.parent.mkdir(parents=True)
    precious.write_text("x")
    with pytest.raises(PackageError, match="not an OCI layout"):
        make_layout(tmp_path)
    assert precious.read_text() == "x"
    precious.unlink()
    make_layout(tmp_path)


def test_a_link_is_not_replaced(tmp_path: Path) -> None:
    elsewhere = make_layout(tmp_path / "a", rules=False)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "oci").symlink_to(elsewhere.folder)
    with pytest.raises(PackageError, match="not an OCI layout"):
        make_layout(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Ticker"}, "no artifact called"),
        ({"name": "9ticker"}, "no artifact called"),
        ({"version": "0.1"}, "of version"),
        ({"version": "01.0.0"}, "of version"),
        ({"version": "0.1.0+abc"}, "build metadata"),
        ({"archives": {"riscv64": Path("ticker.tar.gz")}}, "no platform"),
        ({"required_api_version": "3"}, "not a plugin API version"),
    ],
)
def test_falcoctl_would_refuse(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    plugin = replace(make_plugin(tmp_path), **change)
    with pytest.raises(PackageError, match=said):
        write_layout(tmp_path / "oci", plugin)
    assert not (tmp_path / "oci").exists()


def test_rules_of_another_version_are_refused(tmp_path: Path) -> None:
    plugin, rules = make_plugin(tmp_path), make_rules(tmp_path, version="0.2.0")
    with pytest.raises(PackageError, match=r"the rules have version 0\.2\.0"):
        write_layout(tmp_path / "oci", plugin, rules=rules)


def test_a_file_that_is_no_archive_or_not_there_is_refused(tmp_path: Path) -> None:
    plugin = make_plugin(tmp_path)
    plugin.archives["x86_64"].write_bytes(b"PK")
    with pytest.raises(PackageError, match=r"not a tar\.gz"):
        write_layout(tmp_path / "oci", plugin)
    plugin.archives["x86_64"].unlink()
    with pytest.raises(PackageError, match="cannot be read: No such file"):
        write_layout(tmp_path / "oci", plugin)
