# SPDX-License-Identifier: Apache-2.0
"""Publishing to Debian's registry, pulled back with another client; falcoctl too where it is."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from falcoctl_rules import extract
from registry import HTPASSWD, Server, get, make_layout, registry_program, serving

from falcokit.errors import PackageError, PublishError
from falcokit.package.registry.layout import read_layout
from falcokit.package.registry.publish import publish_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from falcokit.package.registry.layout import OciLayout

LOGIN = base64.b64encode(b"ana:correct horse").decode()
PYPROJECT = '[tool.falcokit]\nplugin = "ticker:Ticker"\n'


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("locked"), htpasswd=HTPASSWD) as running:
        yield running


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


@pytest.fixture
def layout(tmp_path: Path) -> OciLayout:
    return make_layout(tmp_path)


@pytest.fixture
def place(server: Server, request: pytest.FixtureRequest) -> str:
    """A plugin's reference of its own for each test."""
    owner = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]
    return f"{server.address}/acme/{owner}/plugin/ticker"


def pull(ref: str, tag: str, *, login: str | None = None) -> tuple[str, dict[str, bytes]]:
    """Give the digest of a tag and all below it, each blob checked against its digest."""
    address, _, repository = ref.partition("/")
    found: dict[str, bytes] = {}

    def one(path: str, digest: str | None) -> Any:
        status, headers, body = get(address, f"{repository}/{path}", login=login)
        assert status == 200, (path, body)
        actual = f"sha256:{hashlib.sha256(body).hexdigest()}"
        assert actual == (digest or headers["Docker-Content-Digest"])
        found[actual] = body
        return actual, body

    def manifest(name: str, digest: str | None) -> str:
        top, body = one(f"manifests/{name}", digest)
        document = json.loads(body)
        for below in document.get("manifests", []):
            manifest(below["digest"], below["digest"])
        for blob in [document["config"], *document["layers"]] if "config" in document else []:
            one(f"blobs/{blob['digest']}", blob["digest"])
        return str(top)

    return manifest(tag, None), found


def tags(ref: str) -> set[str]:
    address, _, repository = ref.partition("/")
    return set(json.loads(get(address, f"{repository}/tags/list")[2])["tags"] or [])


def log_in(file: Path, address: str, user: str, password: str) -> None:
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    file.write_text(json.dumps({"auths": {address: {"auth": auth}}}))


def test_what_is_pulled_is_what_lies_in_the_layout(place: str, layout: OciLayout) -> None:
    plugin, rules = publish_layout(layout.folder, place)
    assert plugin.pinned == f"{place}@{layout.plugin_digest}"
    assert rules.pinned == f"{place.replace('/plugin/', '/ruleset/')}@{layout.rules_digest}"
    assert plugin.tags == rules.tags == ("0.1.0",)
    pulled = {}
    for published in (plugin, rules):
        digest, blobs = pull(published.repository, "0.1.0")
        assert digest == published.digest
        pulled |= blobs
    stored = {
        f"sha256:{path.name}": path.read_bytes()
        for path in (layout.folder / "blobs" / "sha256").iterdir()
    }
    assert pulled == stored


def test_what_is_pulled_is_unpacked_by_falcoctls_rules(
    place: str, layout: OciLayout, tmp_path: Path
) -> None:
    for published, name in zip(
        publish_layout(layout.folder, place), ("libticker.so", "ticker_rules.yaml"), strict=True
    ):
        _, blobs = pull(published.repository, published.digest)
        layers = [data for data in blobs.values() if data.startswith(b"\x1f\x8b")]
        assert layers
        for number, data in enumerate(layers):
            dest = tmp_path / f"{name}{number}"
            dest.mkdir()
            (tmp_path / "layer").write_bytes(data)
            assert extract(tmp_path / "layer", dest) == [dest / name]


def test_what_the_registry_has_is_not_sent_again(place: str, layout: OciLayout) -> None:
    told: list[str] = []
    first = publish_layout(layout.folder, place, progress=told.append)
    assert [(item.sent, item.kept) for item in first] == [(3, 0), (2, 0)]
    assert len(told) == 5
    told.clear()
    second = publish_layout(layout.folder, place, progress=told.append)
    assert [(item.sent, item.kept) for item in second] == [(0, 3), (0, 2)]
    assert told == []
    assert [item.digest for item in second] == [item.digest for item in first]


def test_a_plugin_without_rules_is_alone(place: str, tmp_path: Path) -> None:
    (published,) = publish_layout(make_layout(tmp_path, rules=False).folder, place)
    assert published.kind == "plugin"


def test_floating_tags_move_with_releases(place: str, tmp_path: Path) -> None:
    publish_layout(make_layout(tmp_path).folder, place)
    assert tags(place) == {"0.1.0"}
    first = publish_layout(make_layout(tmp_path).folder, place, floating_tags=True)
    assert first[0].tags == ("0.1.0", "latest", "0", "0.1")
    assert tags(place) == tags(first[1].repository) == set(first[0].tags)
    told: list[str] = []
    new = make_layout(tmp_path, version="0.2.0", rules=False)
    publish_layout(new.folder, place, floating_tags=True, progress=told.append)
    assert pull(place, "latest")[0] == pull(place, "0")[0] == new.plugin_digest
    assert pull(place, "0.1")[0] == pull(place, "0.1.0")[0] == first[0].digest
    assert f"moving {place}:latest, which was {first[0].digest}" in told


def test_a_prerelease_moves_no_tag(place: str, tmp_path: Path) -> None:
    made = make_layout(tmp_path, version="0.2.0-rc.1", rules=False)
    publish_layout(made.folder, place, floating_tags=True)
    assert tags(place) == {"0.2.0-rc.1"}


def test_a_tag_of_ones_own_is_taken(place: str, layout: OciLayout) -> None:
    plugin, rules = publish_layout(layout.folder, f"{place}:edge")
    assert tags(place) == tags(rules.repository) == {"edge"}
    assert plugin.repository == place
    publish_layout(layout.folder, f"{place}:edge", floating_tags=True)
    assert tags(place) == {"edge", "0.1.0", "latest", "0", "0.1"}


def test_a_repository_of_another_form_has_the_rules_beside_it(
    place: str, layout: OciLayout
) -> None:
    place = place.replace("/plugin/", "/")
    _, rules = publish_layout(layout.folder, place)
    assert rules.repository == f"{place}-rules"
    assert pull(rules.repository, "0.1.0")[0] == layout.rules_digest


def test_localhost_is_spoken_to_without_tls_too(place: str, layout: OciLayout) -> None:
    publish_layout(layout.folder, place.replace("127.0.0.1", "localhost"))
    assert tags(place) == {"0.1.0"}


def test_a_damaged_layout_sends_nothing(place: str, layout: OciLayout) -> None:
    blob = read_layout(layout.folder)[1].blobs[-1]
    path = layout.folder / "blobs" / "sha256" / blob.digest.removeprefix("sha256:")
    path.write_bytes(b"x")
    with pytest.raises(PackageError, match="was changed after it was made"):
        publish_layout(layout.folder, place)
    address, _, repository = place.partition("/")
    assert get(address, f"{repository}/tags/list")[0] == 404


def test_a_blob_that_changes_meanwhile_is_refused_by_the_registry(
    place: str, layout: OciLayout
) -> None:
    blob = read_layout(layout.folder)[0].blobs[-1]
    path = layout.folder / "blobs" / "sha256" / blob.digest.removeprefix("sha256:")
    with pytest.raises(PublishError, match="DIGEST_INVALID"):
        publish_layout(layout.folder, place, progress=lambda _: path.write_bytes(b"x") and None)


def test_a_blob_that_goes_away_meanwhile_is_an_error(place: str, layout: OciLayout) -> None:
    blob = read_layout(layout.folder)[0].blobs[-1]
    path = layout.folder / "blobs" / "sha256" / blob.digest.removeprefix("sha256:")
    with pytest.raises(PublishError, match="cannot be read: No such file"):
        publish_layout(layout.folder, place, progress=lambda _: path.unlink(missing_ok=True))


# --- a registry with a password


def test_the_login_comes_from_dockers_configuration(
    locked_server: Server, layout: OciLayout, docker_config: Path
) -> None:
    log_in(docker_config, locked_server.address, "ana", "correct horse")
    place = f"{locked_server.address}/in/plugin/ticker"
    plugin, rules = publish_layout(layout.folder, place)
    assert pull(place, "0.1.0", login=LOGIN)[0] == plugin.digest
    assert pull(rules.repository, "0.1.0", login=LOGIN)[0] == rules.digest
    assert get(locked_server.address, "in/plugin/ticker/tags/list")[0] == 401


@pytest.mark.parametrize("password", ["wrong horse", None])
def test_without_a_login_or_with_a_wrong_one_it_is_told_how_to_log_in(
    locked_server: Server, layout: OciLayout, docker_config: Path, password: str | None
) -> None:
    if password:
        log_in(docker_config, locked_server.address, "ana", password)
    with pytest.raises(PublishError, match="refused out/plugin/ticker: status 401") as caught:
        publish_layout(layout.folder, f"{locked_server.address}/out/plugin/ticker")
    assert caught.value.hint is not None
    assert caught.value.hint.endswith(f"docker login {locked_server.address}")
    assert str(docker_config) in caught.value.hint
    assert "horse" not in caught.value.message + caught.value.hint
    assert get(locked_server.address, "out/plugin/ticker/tags/list", login=LOGIN)[0] == 404


def test_no_variable_gives_a_login(
    locked_server: Server, layout: OciLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORAS_USER", "ana")
    monkeypatch.setenv("ORAS_PASS", "correct horse")
    with pytest.raises(PublishError, match="status 401"):
        publish_layout(layout.folder, f"{locked_server.address}/no/plugin/ticker")


# --- the real installer, where it is


def test_falcoctl_installs_the_plugin_and_its_rules(
    place: str, layout: OciLayout, tmp_path: Path
) -> None:
    falcoctl = shutil.which("falcoctl") or registry_program().with_name("falcoctl")
    if not Path(falcoctl).exists():
        pytest.skip("there is no falcoctl, neither on PATH nor beside the registry")
    published = publish_layout(layout.folder, place, floating_tags=True)
    places = {name: tmp_path / f"to-{name}" for name in ("state", "plugins", "rulesfiles")}
    for folder in places.values():
        folder.mkdir()
    (tmp_path / "falcoctl.yaml").write_text("indexes: []\n")

    def install(*refs: str) -> list[str]:
        subprocess.run(
            [
                *(falcoctl, "artifact", "install", "--plain-http"),
                *("--config", tmp_path / "falcoctl.yaml"),
                *(word for name, folder in places.items() for word in (f"--{name}-dir", folder)),
                *refs,
            ],
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
            timeout=60,
        )
        return sorted(path.name for path in tmp_path.glob("to-*s/*"))

    assert install(f"{place}:0") == ["libticker.so"]
    made = (places["plugins"] / "libticker.so").read_text()
    assert made == f"\x7fELF {platform.machine()} 0.1.0"
    both = ["libticker.so", "ticker_rules.yaml"]
    assert install(f"{place}:0.1.0", f"{published[1].repository}:0.1.0") == both
    assert install(published[0].pinned) == both
