# SPDX-License-Identifier: Apache-2.0
"""A login goes to the registry and the token service that it names over TLS, nowhere else."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
import requests
from fake_registry import Asked, Reply, accepting, answering
from registry import BASIC, SECRET, log_in, make_layout
from requests.structures import CaseInsensitiveDict

from falcokit.errors import PublishError
from falcokit.package.registry.client import Answer, RegistryClient
from falcokit.package.registry.publish import publish_layout
from falcokit.package.registry.reference import parse_reference

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_layout(tmp_path).folder


def challenged(url: str, realm: str) -> Answer:
    headers = CaseInsensitiveDict({"WWW-Authenticate": f'Bearer realm="{realm}"'})
    return Answer(status=401, url=url, headers=headers, body=b"")


def test_a_login_is_not_sent_in_the_clear_to_another_machine(docker_config: Path) -> None:
    log_in(docker_config, "registry.example.com")
    with RegistryClient(parse_reference("registry.example.com/a")) as client:
        answer = challenged(client.url("a", "tags/list"), "http://registry.example.com/token")
        with pytest.raises(PublishError, match="without encryption"):
            client._log_in(answer)
        with pytest.raises(PublishError, match="without encryption"):
            client.request("PUT", "http://registry.example.com/upload")


@pytest.mark.parametrize(
    ("realm", "why"),
    [
        ("http://other.example/token", "without encryption"),
        ("other.example/token", "without encryption"),
        ("http://other.example\\@127.0.0.1/token", "without encryption"),
        ("http://127.0.0.1@other.example/token", "without encryption"),
        ("https://other.example/token", "names other.example as its token service"),
        ("https://127.0.0.1.other.example/token", "names 127.0.0.1.other.example"),
        ("http://[::1", "cannot be reached"),
    ],
)
def test_a_registry_on_this_machine_cannot_send_the_login_elsewhere(
    folder: Path, docker_config: Path, realm: str, why: str
) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}"'}
    with answering(lambda _: Reply(status=401, headers=challenge)) as fake:
        log_in(docker_config, fake.address)
        with pytest.raises(PublishError) as caught:
            publish_layout(folder, f"{fake.address}/plugin/ticker")
    assert why in caught.value.message
    assert fake.sent_authorization() == {None}


def test_the_token_service_that_a_registry_names_over_tls_gets_the_login(
    docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(docker_config, "registry.example.com")
    asked = []

    def send(_: Any, request: Any, **__: Any) -> requests.Response:
        asked.append((request.url, request.headers.get("Authorization")))
        response = requests.Response()
        response.status_code, response.raw = 200, io.BytesIO(b'{"token": "t"}')
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with RegistryClient(parse_reference("registry.example.com/a")) as client:
        url = client.url("a", "tags/list")
        assert client._log_in(challenged(url, "https://auth.example.org/token"))
    assert asked == [("https://auth.example.org/token", f"Basic {BASIC}")]


def test_a_login_is_not_taken_from_netrc(
    tmp_path: Path, docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine registry.example.com login bob password {SECRET}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    sent = []

    def send(_: Any, request: Any, **__: Any) -> requests.Response:
        sent.append(request.headers.get("Authorization"))
        response = requests.Response()
        response.status_code, response.raw = 200, io.BytesIO()
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with RegistryClient(parse_reference("registry.example.com/a")) as client:
        client.request("GET", client.url("a", "tags/list"))
    assert sent == [None]


def test_a_login_is_not_sent_to_the_host_that_an_upload_goes_to(
    folder: Path, docker_config: Path
) -> None:
    with answering(accepting({})) as storage:

        def reply(asked: Asked) -> Reply:
            if asked.headers.get("authorization") != f"Basic {BASIC}":
                return Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            if asked.method == "POST":
                return Reply(status=202, headers={"Location": f"http://{storage.address}/put"})
            return own(asked)

        own = accepting({})
        with answering(reply) as fake:
            log_in(docker_config, fake.address)
            publish_layout(folder, f"{fake.address}/plugin/ticker")
    assert storage.asked
    assert storage.sent_authorization() == {None}
    assert {asked.path.partition("=")[0] for asked in storage.asked} == {"/put?digest"}
