# SPDX-License-Identifier: Apache-2.0
"""`falcokit publish`: what it prints, and where it looks."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fake_registry import accepting, answering
from registry import make_layout

from falcokit.cli.options import PublishOptions
from falcokit.cli.publish import publish
from falcokit.errors import ConfigError, PackageError, PublishError, ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from falcokit.package.registry.layout import OciLayout

PYPROJECT = '[tool.falcokit]\nplugin = "ticker:Ticker"\n'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path


@pytest.fixture
def layout(tmp_path: Path) -> OciLayout:
    return make_layout(tmp_path)


@pytest.fixture
def place() -> Iterator[str]:
    with answering(accepting({})) as fake:
        yield f"{fake.address}/acme/plugin/ticker"


def command(capsys: pytest.CaptureFixture[str], **options: Any) -> tuple[list[str], str]:
    publish(PublishOptions(**options))
    said = capsys.readouterr()
    return said.out.splitlines(), said.err


def test_the_command_prints_the_digests_and_how_to_sign(
    place: str, layout: OciLayout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = command(capsys, ref=place, project=tmp_path)
    rules = place.replace("/plugin/", "/ruleset/")
    assert out == [f"{place}@{layout.plugin_digest}", f"{rules}@{layout.rules_digest}"]
    for line in out:
        assert f"cosign sign --yes {line}" in err
    assert re.search(r"published \S+, tags 0\.1\.0 \(3 of 3 blobs sent\)", err)


def test_the_command_writes_one_document_for_programs(
    place: str, layout: OciLayout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,), _ = command(capsys, ref=place, project=tmp_path, floating_tags=True, as_json=True)
    plugin, rules = json.loads(line)["artifacts"]
    assert plugin == {
        "kind": "plugin",
        "repository": place,
        "tags": ["0.1.0", "latest", "0", "0.1"],
        "digest": layout.plugin_digest,
        "reference": f"{place}@{layout.plugin_digest}",
    }
    assert (rules["kind"], rules["digest"]) == ("ruleset", layout.rules_digest)


def test_the_projects_repository_is_taken_where_no_reference_is_given(
    place: str, layout: OciLayout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match="no reference"):
        publish(PublishOptions(project=tmp_path))
    owner = place.removesuffix("/plugin/ticker")
    (tmp_path / "pyproject.toml").write_text(
        PYPROJECT + f'[tool.falcokit.package]\nrepository = "{owner}"\n'
    )
    out, _ = command(capsys, project=tmp_path)
    assert out[0] == f"{place}@{layout.plugin_digest}"


def test_a_project_that_is_not_packaged_is_told_the_command(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as caught:
        publish(PublishOptions(ref="ghcr.io/acme/plugin/ticker", project=tmp_path))
    assert caught.value.hint == "run falcokit package --oci"


def test_without_oras_the_command_to_install_it_is_told(
    layout: OciLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("oras", "oras.auth", "oras.provider"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ToolMissingError) as caught:
        publish(PublishOptions(ref="localhost:1/plugin/ticker", project=layout.folder))
    assert caught.value.hint == "pip install 'falcokit[publish]'"


def test_a_dry_run_shows_all_and_asks_no_registry(
    layout: OciLayout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = "localhost:1/acme/plugin/ticker"
    given = {"ref": nobody, "project": tmp_path, "dry_run": True, "floating_tags": True}
    out, err = command(capsys, **given)
    rules = nobody.replace("/plugin/", "/ruleset/")
    assert out == [f"{nobody}@{layout.plugin_digest}", f"{rules}@{layout.rules_digest}"]
    assert f"would publish {nobody}, tags 0.1.0, latest, 0, 0.1 (up to 3 blobs)" in err
    assert "nothing was sent" in err
    assert "cosign" not in err
    (line,), _ = command(capsys, **given, as_json=True)
    assert json.loads(line)["dry_run"] is True


def test_a_dry_run_finds_what_is_wrong(layout: OciLayout, tmp_path: Path) -> None:
    with pytest.raises(PublishError):
        publish(PublishOptions(ref="no reference", project=tmp_path, dry_run=True))
    blob = next((layout.folder / "blobs" / "sha256").iterdir())
    blob.write_bytes(blob.read_bytes() + b"x")
    with pytest.raises(PackageError):
        publish(PublishOptions(ref="localhost:1/plugin/ticker", project=tmp_path, dry_run=True))
