# SPDX-License-Identifier: Apache-2.0
"""A layout read back: what was written, or damage found before anything is sent. And versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry import make_layout

from falcokit.errors import PackageError
from falcokit.package.artifact.names import floating_tags, is_version, precedence, satisfies
from falcokit.package.registry.layout import read_layout

if TYPE_CHECKING:
    from pathlib import Path


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
    with pytest.raises(PackageError, match="is not a SHA-256 digest"):
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
