# SPDX-License-Identifier: Apache-2.0
"""The OCI layout and the rules artifact: falcoctl's form, the same bytes each time, or refused."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from falcoctl_rules import extract
from hypothesis import given
from hypothesis import strategies as st
from registry import RULES, make_layout, make_plugin, make_rules

from falcokit.errors import PackageError, ToolMissingError
from falcokit.package import oci
from falcokit.package.oci import write_layout
from falcokit.package.oci_names import floating_tags, is_version, precedence, satisfies
from falcokit.package.oci_read import read_layout
from falcokit.package.rules_artifact import make_rules_artifact
from falcokit.package.rules_head import Dependency, read_head

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


def head(text: str) -> Any:
    return read_head(Path("r.yaml"), text.encode())


# --- the layout


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
    plugins = [make_plugin(tmp_path / "dist", arch=arch) for arch in ("aarch64", "x86_64")]
    second = write_layout(tmp_path / "again", plugins, rules=make_rules(tmp_path))
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

    monkeypatch.setattr(oci, "put_file", full)
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
    with pytest.raises(PackageError, match="no OCI layout"):
        make_layout(tmp_path)
    assert precious.read_text() == "x"
    precious.unlink()
    make_layout(tmp_path)


def test_a_link_is_not_replaced(tmp_path: Path) -> None:
    elsewhere = make_layout(tmp_path / "a", rules=False)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "oci").symlink_to(elsewhere.folder)
    with pytest.raises(PackageError, match="no OCI layout"):
        make_layout(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Ticker"}, "no artifact called"),
        ({"name": "9ticker"}, "no artifact called"),
        ({"version": "0.1"}, "of version"),
        ({"version": "01.0.0"}, "of version"),
        ({"version": "0.1.0+abc"}, "build metadata"),
        ({"arch": "riscv64"}, "no platform"),
        ({"required_api_version": "3"}, "no plugin API version"),
    ],
)
def test_falcoctl_would_refuse(tmp_path: Path, change: dict[str, str], said: str) -> None:
    plugin = replace(make_plugin(tmp_path), **change)
    with pytest.raises(PackageError, match=said):
        write_layout(tmp_path / "oci", [plugin])
    assert not (tmp_path / "oci").exists()


def test_artifacts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    one = make_plugin(tmp_path)
    other = make_plugin(tmp_path, version="0.2.0", arch="aarch64")
    newer = make_plugin(tmp_path, arch="aarch64", required_api_version="3.13.0")
    for plugins, said in (
        ([], "no packaged plugin"),
        ([one, other], "holds ticker 0.2.0"),
        ([one, one], "both for x86_64"),
        ([one, newer], "needs plugin API 3.13.0, and"),
    ):
        with pytest.raises(PackageError, match=said):
            write_layout(tmp_path / "oci", plugins)
    with pytest.raises(PackageError, match=r"the rules have version 0\.2\.0"):
        write_layout(tmp_path / "oci", [one], rules=make_rules(tmp_path, version="0.2.0"))


def test_a_file_that_is_no_archive_or_not_there_is_refused(tmp_path: Path) -> None:
    plugin = make_plugin(tmp_path)
    plugin.path.write_bytes(b"PK")
    with pytest.raises(PackageError, match=r"no tar\.gz"):
        write_layout(tmp_path / "oci", [plugin])
    plugin.path.unlink()
    with pytest.raises(PackageError, match="cannot be read: No such file"):
        write_layout(tmp_path / "oci", [plugin])


# --- reading it back


def test_what_was_written_is_read(tmp_path: Path) -> None:
    made = make_layout(tmp_path)
    plugin, rules = read_layout(made.folder)
    assert (plugin.kind, plugin.name, plugin.version) == ("plugin", "ticker", "0.1.0")
    assert (plugin.top.digest, len(plugin.manifests)) == (made.plugin_digest, 2)
    assert len(plugin.blobs) == 3  # both platforms have the same config
    assert (rules.kind, rules.top.digest, rules.manifests) == ("ruleset", made.rules_digest, ())


def test_a_changed_blob_is_found_wherever_it_is(tmp_path: Path) -> None:
    made = make_layout(tmp_path)
    for path in sorted((made.folder / "blobs" / "sha256").iterdir()):
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(PackageError, match="was changed after it was made"):
            read_layout(made.folder)
        path.unlink()
        with pytest.raises(PackageError, match="cannot be read"):
            read_layout(made.folder)
        path.write_bytes(data)
    read_layout(made.folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        '{"manifests": []}',
        '{"manifests": [1]}',
    ],
)
def test_a_damaged_index_is_an_error_that_says_so(tmp_path: Path, text: str) -> None:
    made = make_layout(tmp_path)
    (made.folder / "index.json").write_text(text)
    with pytest.raises(PackageError):
        read_layout(made.folder)


@pytest.mark.parametrize("digest", ["sha256:../../../../../etc/passwd", "md5:0", "", "sha256:\n"])
def test_a_digest_never_becomes_a_path_of_its_own(tmp_path: Path, digest: str) -> None:
    made = make_layout(tmp_path)
    entry = {"mediaType": "a", "digest": digest, "size": 1}
    (made.folder / "index.json").write_text(json.dumps({"manifests": [entry]}))
    with pytest.raises(PackageError, match="is no SHA-256 digest"):
        read_layout(made.folder)


@pytest.mark.parametrize("name", ["x/ticker:0.1.0", "ruleset/ticker:0.1.0", "plugin/A:1", "", None])
def test_an_artifact_of_another_name_is_refused(tmp_path: Path, name: str | None) -> None:
    made = make_layout(tmp_path, rules=False)
    index = json.loads((made.folder / "index.json").read_text())
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": name}
    (made.folder / "index.json").write_text(json.dumps(index))
    with pytest.raises(PackageError, match="names an artifact"):
        read_layout(made.folder)


def test_no_layout_is_an_error_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as caught:
        read_layout(tmp_path)
    assert caught.value.hint == "run falcokit package --oci"


# --- versions


def test_versions_are_ordered_as_semver_orders_them() -> None:
    ordered = [
        "0.9.0", "0.10.0", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1",
        "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0",
        "1.0.1",
    ]  # fmt: skip
    assert sorted(sorted(ordered), key=precedence) == ordered


@given(st.lists(st.sampled_from("0123456789abcXYZ-.+"), max_size=12).map("".join))
def test_every_version_that_is_taken_can_be_compared(tail: str) -> None:
    version = f"1.2.3{tail}"
    assert (not is_version(version)) or precedence(version)[:2] == (1, 2)


def test_which_version_satisfies_which() -> None:
    assert satisfies("0.2.0", "0.1.9")
    assert not satisfies("0.1.0", "0.1.1")
    assert not satisfies("2.0.0", "1.0.0")
    assert satisfies("1.0.0-rc.1", "1.0.0")  # Falco looks at the numbers alone


def test_prereleases_move_no_tag() -> None:
    assert floating_tags("1.2.3") == ("latest", "1", "1.2")
    assert floating_tags("1.2.3-rc.1") == ()


# --- the rules


def test_the_rules_are_flat_files_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("b.yaml", "a.yaml", ".#a.yaml", "c.yaml.bak", "README.md"):
        (folder / name).write_text("# nothing\n" if name != "b.yaml" else RULES)
    made = make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0")
    assert made is not None
    assert made.files == ("a.yaml", "b.yaml")
    assert made.path == tmp_path / "ticker-rules-0.1.0.tar.gz"
    (tmp_path / "etc").mkdir()
    unpacked = extract(made.path, tmp_path / "etc")
    assert [path.name for path in unpacked] == ["a.yaml", "b.yaml"]
    assert {path.stat().st_mode & 0o777 for path in unpacked} == {0o644}
    assert unpacked[1].read_text() == RULES


def test_the_same_rules_make_the_same_bytes(tmp_path: Path) -> None:
    first = make_rules(tmp_path).path.read_bytes()
    os.utime(tmp_path / "rules" / "ticker_rules.yaml", (1, 1))
    (tmp_path / "rules" / "ticker_rules.yaml").chmod(0o600)
    assert make_rules(tmp_path).path.read_bytes() == first


def test_a_project_without_rules_has_no_artifact(tmp_path: Path) -> None:
    assert make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0") is None


def test_a_link_within_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text(RULES)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").symlink_to("../shared.yaml")
    made = make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0")
    assert made is not None
    (tmp_path / "etc").mkdir()
    assert extract(made.path, tmp_path / "etc")[0].read_text() == RULES


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/etc/passwd", "leads out of the project"),
        ("../../outside.yaml", "leads out of the project"),
        ("a.yaml", "cannot be read"),
        ("nowhere", "cannot be read: No such file"),
        ("../folder", "no regular file"),
    ],
)
def test_other_links_are_refused(tmp_path: Path, target: str, said: str) -> None:
    root = tmp_path / "project"
    (root / "rules").mkdir(parents=True)
    (root / "folder").mkdir()
    (tmp_path / "outside.yaml").write_text(RULES)
    (root / "rules" / "a.yaml").symlink_to(target)
    with pytest.raises(PackageError, match=said):
        make_rules_artifact(root, tmp_path, name="ticker", version="0.1.0")


def test_a_rules_folder_elsewhere_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    make_rules(tmp_path)
    (root / "rules").symlink_to(tmp_path / "rules")
    with pytest.raises(PackageError, match="leads out of the project"):
        make_rules_artifact(root, tmp_path, name="ticker", version="0.1.0")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    os.mkfifo(tmp_path / "rules" / "a.yaml")
    with pytest.raises(PackageError, match="no regular file"):
        make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0")


def test_the_plugin_is_a_dependency_even_if_the_rules_do_not_say_so(tmp_path: Path) -> None:
    text = "- required_plugin_versions:\n  - name: json\n    version: 0.7.0\n"
    made = make_rules(tmp_path, text=text)
    assert made.dependencies == (
        Dependency(name="json", version="0.7.0"),
        Dependency(name="ticker", version="0.1.0"),
    )
    assert made.engine_version is None


@pytest.mark.parametrize("version", ["0.1.1", "1.0.0"])
def test_rules_for_another_version_of_the_plugin_are_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(PackageError, match=f"require ticker {version}, and this is 0.1.0"):
        make_rules(tmp_path, text=RULES.replace("version: 0.1.0", f"version: {version}"))


def test_a_prerelease_goes_with_the_rules_of_its_release(tmp_path: Path) -> None:
    text = RULES.replace("version: 0.1.0", "version: 0.2.0")
    made = make_rules(tmp_path, version="0.2.0-rc.1", text=text)
    assert made.dependencies == (Dependency(name="ticker", version="0.2.0-rc.1"),)


def test_several_files_require_the_newest_that_one_of_them_requires(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for name, engine, json_version in (("a", "0.31.0", "0.7.10"), ("b", "26", "0.7.9")):
        (tmp_path / "rules" / f"{name}.yaml").write_text(
            f"- required_engine_version: {engine}\n"
            f"- required_plugin_versions: [{{name: json, version: {json_version}}}]\n"
        )
    made = make_rules_artifact(tmp_path, tmp_path, name="ticker", version="0.1.0")
    assert made is not None
    assert made.engine_version == "0.31.0"
    assert made.dependencies[0] == Dependency(name="json", version="0.7.10")


def test_alternatives_are_kept_in_their_order() -> None:
    others = "alternatives: [{name: my-json, version: 0.1.0}, {name: a-json, version: 0.2.0}]"
    found = head(
        "- required_plugin_versions:\n"
        "  - {name: json, version: 0.7.0}\n"
        f"  - {{name: json, version: 0.6.0, {others}}}\n"
        f"  - {{name: json, version: 0.5.0, {others}}}\n"
    ).dependencies
    assert [dependency.document() for dependency in found] == [
        {"name": "json", "version": "0.7.0"},
        {
            "name": "json",
            "version": "0.6.0",
            "alternatives": [
                {"name": "my-json", "version": "0.1.0"},
                {"name": "a-json", "version": "0.2.0"},
            ],
        },
    ]


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("- required_engine_version: 0.31.0", "0.31.0"),
        ("- required_engine_version: '0.31.0'", "0.31.0"),
        ("- required_engine_version: 26", "0.26.0"),
        ("--- \n- rule: a\n---\n- required_engine_version: 0.9.0\n", "0.9.0"),
        ("- rule: 2001-99-99\n", None),  # no date for YAML's own types to stumble over
        ("", None),
        ("# only a comment", None),
    ],
)
def test_the_engine_version_is_read(text: str, engine: str | None) -> None:
    assert head(text).engine_version == engine


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- rule: a\n  desc: [b: c: d]\n", r"r\.yaml:2: not valid YAML"),
        ("a: b", "no list"),
        ("- a\n", "item 1 is no mapping"),
        ("\x00", "not valid YAML"),
        ("[" * 20_000, "not valid YAML"),
        ("- required_engine_version: 0.31", "must be a version such as"),
        ("- required_engine_version: [1]", "must be a version such as"),
        ("- required_plugin_versions: json", "must be a list"),
        ("- required_plugin_versions: [json]", "needs a name and a version"),
        ("- required_plugin_versions: [{name: json}]", "needs a name and a version"),
        ("- required_plugin_versions: [{name: JSON, version: 1.0.0}]", "cannot be a plugin's name"),
        ("- required_plugin_versions: [{name: json, version: 1.0}]", "json must have a version"),
        (
            "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: b}]",
            "alternatives of a must be a list",
        ),
        (
            "- required_plugin_versions: [{name: a, version: 1.0.0, alternatives: "
            + "[{name: a, version: 2.0.0}]}]",
            "name one plugin twice",
        ),
        (
            "- required_plugin_versions: [{name: a, version: 1.0.0}, {name: a, version: 2.0.0}]",
            "no plugin is both",
        ),
    ],
)
def test_rules_that_falco_would_not_take_are_refused(text: str, said: str) -> None:
    with pytest.raises(PackageError, match=said):
        head(text)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(PackageError, match="not valid YAML"):
        read_head(Path("r.yaml"), b"- rule: \xff\xfe\xff")


def test_without_pyyaml_the_command_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ToolMissingError) as caught:
        head("")
    assert caught.value.hint == "pip install 'falcokit[publish]'"
