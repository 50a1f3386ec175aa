# SPDX-License-Identifier: Apache-2.0
"""Token services, and registries that misbehave: an error each, and no secret in it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from fake_registry import Asked, Reply, accepting, answering
from registry import BASIC, SECRET, log_in, make_layout

from falcokit.errors import PublishError
from falcokit.package.registry import client as registry_client
from falcokit.package.registry.publish import publish_layout

if TYPE_CHECKING:
    from collections.abc import Callable
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


def failure(folder: Path, ref: str) -> PublishError:
    with pytest.raises(PublishError) as caught:
        publish_layout(folder, ref)
    said = f"{caught.value.message} {caught.value.hint}"
    assert SECRET not in said
    assert BASIC not in said
    return caught.value


def failing(folder: Path, reply: Callable[[Asked], Reply]) -> PublishError:
    with answering(reply) as fake:
        return failure(folder, f"{fake.address}/plugin/ticker")


# --- a token service


def token_service(*, right: str) -> Callable[[Asked], Reply]:
    """Make a registry that wants a bearer token, of the scope that each request needs."""
    take = accepting({})

    def reply(asked: Asked) -> Reply:
        if asked.path.startswith("/token"):
            if asked.headers.get("authorization") != right:
                return Reply(status=401)
            kind = "push" if "push" in asked.path else "pull"
            return Reply(status=200, body=json.dumps({"token": f"tok-{kind}"}).encode())
        needed = "pull" if asked.method in {"GET", "HEAD"} else "push"
        got = asked.headers.get("authorization")
        if got == "Bearer tok-push" or (got == "Bearer tok-pull" and needed == "pull"):
            return take(asked)
        realm = f"http://{asked.headers['host']}/token"
        challenge = f'Bearer realm="{realm}",service="fake",scope="repository:a:{needed}"'
        return Reply(status=401, headers={"WWW-Authenticate": challenge})

    return reply


def test_tokens_are_fetched_with_the_login_and_for_each_scope(
    folder: Path, docker_config: Path
) -> None:
    with answering(token_service(right=f"Basic {BASIC}")) as fake:
        log_in(docker_config, fake.address)
        assert len(publish_layout(folder, f"{fake.address}/plugin/ticker")) == 2
    to_registry = {a.headers.get("authorization") for a in fake.asked if "/token" not in a.path}
    assert to_registry == {None, "Bearer tok-pull", "Bearer tok-push"}


@pytest.mark.parametrize("has_login", [True, False])
def test_a_token_that_is_not_given_is_an_error(
    folder: Path, docker_config: Path, has_login: bool
) -> None:
    with answering(token_service(right="nobody")) as fake:
        if has_login:
            log_in(docker_config, fake.address)
        error = failure(folder, f"{fake.address}/plugin/ticker")
    assert "status 401" in error.message
    assert f"docker login {fake.address}" in str(error.hint)


def test_oras_writes_nothing_to_the_terminal(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from falcokit.errors import PublishError\n"
        "from falcokit.package.registry.publish import publish_layout\n"
        "try: publish_layout(Path(sys.argv[1]), sys.argv[2])\n"
        "except PublishError: sys.exit(9)"
    )
    with answering(token_service(right="nobody")) as fake:
        ref = f"{fake.address}/plugin/ticker"
        command = [sys.executable, "-c", code, folder, ref]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (9, b"", b"")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"token": 5}'])
def test_what_a_token_service_says_may_be_anything(folder: Path, body: bytes) -> None:
    def reply(asked: Asked) -> Reply:
        if asked.path.startswith("/token"):
            return Reply(status=200, body=body)
        realm = f'Bearer realm="http://{asked.headers["host"]}/token"'
        return Reply(status=401, headers={"WWW-Authenticate": realm})

    assert "status 401" in failing(folder, reply).message


@pytest.mark.parametrize("challenge", ["", "Negotiate", "Bearer", 'Bearer realm=""', "Basic"])
def test_a_challenge_may_be_anything(folder: Path, challenge: str) -> None:
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    assert "status 401" in failing(folder, lambda _: Reply(status=401, headers=headers)).message


# --- registries that misbehave


def test_a_registry_that_is_not_there(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        error = failure(folder, f"127.0.0.1:{taken.getsockname()[1]}/plugin/ticker")
    assert error.message.endswith("cannot be reached: Connection refused")


def test_a_host_that_there_is_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(folder, "registry.example.com/plugin/ticker")
    assert error.message == "registry.example.com cannot be reached: no such host"


def test_a_registry_without_tls_on_another_machine_is_not_trusted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(lambda _: Reply(status=200)) as fake:
        monkeypatch.setattr(
            "falcokit.package.registry.reference.Reference.is_loopback", property(lambda _: False)
        )
        monkeypatch.setenv("NO_PROXY", "*")
        error = failure(folder, f"{fake.address}/plugin/ticker")
    assert "cannot be trusted" in error.message
    assert fake.asked == []


def test_a_registry_that_says_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_client, "_READ_SECONDS", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        error = failure(folder, f"127.0.0.1:{silent.getsockname()[1]}/plugin/ticker")
    assert error.message.endswith("does not answer")


def test_a_proxy_is_not_asked_for_this_machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with answering(accepting({})) as fake:
        assert publish_layout(folder, f"{fake.address}/plugin/ticker")


@pytest.mark.parametrize(
    ("status", "body", "said", "hint"),
    [
        (500, b"", "status 500", "try again later"),
        (429, b"", "status 429", "try again later"),
        (413, b"<html>", "status 413", "limits the size of uploads"),
        (
            404,
            b'{"errors": [{"code": "NAME_UNKNOWN"}]}',
            "NAME_UNKNOWN (status 404)",
            "created first",
        ),
        (400, b'{"errors": [{"code": "A", "message": "b"}]}', "A: b (status 400)", "None"),
        (400, b'{"errors": []}', "status 400", "None"),
        (400, b'{"errors": [[]]}', "status 400", "None"),
        (400, b"[" * 100_000, "status 400", "None"),
        (302, b"", "status 302", "None"),
        (202, b"", "status 202", "None"),  # no Location
    ],
)
def test_a_refusal_tells_the_registrys_own_words(
    folder: Path, status: int, body: bytes, said: str, hint: str
) -> None:
    def reply(asked: Asked) -> Reply:
        return Reply(status=404) if asked.method == "HEAD" else Reply(status=status, body=body)

    error = failing(folder, reply)
    assert error.message.endswith(f"refused plugin/ticker: {said}")
    assert hint in str(error.hint)


def test_a_long_refusal_is_cut(folder: Path) -> None:
    body = json.dumps({"errors": [{"code": "A", "message": "x" * 10_000}]}).encode()
    assert len(failing(folder, lambda _: Reply(status=400, body=body)).message) < 400


def test_an_answer_without_end_is_not_read_to_the_end(folder: Path) -> None:
    body = b"x" * ((4 << 20) + 1)

    def reply(asked: Asked) -> Reply:
        return Reply(status=404) if asked.method == "HEAD" else Reply(status=400, body=body)

    assert "sends an endless answer" in failing(folder, reply).message


def test_a_tag_that_is_something_else_after_the_push_is_an_error(folder: Path) -> None:
    take = accepting({})

    def reply(asked: Asked) -> Reply:
        answer = take(asked)
        if asked.method == "HEAD" and "/manifests/0.1.0" in asked.path and answer.status == 200:
            return Reply(status=200, headers={"Docker-Content-Digest": f"sha256:{'0' * 64}"})
        return answer

    assert f"is sha256:{'0' * 64} after the push" in failing(folder, reply).message


def test_a_tag_that_is_not_there_after_the_push_is_an_error(folder: Path) -> None:
    take = accepting({})

    def reply(asked: Asked) -> Reply:
        return Reply(status=404) if asked.method == "HEAD" else take(asked)

    assert "is not there after the push" in failing(folder, reply).message


def test_a_registry_that_names_no_digest_is_asked_for_the_manifest(folder: Path) -> None:
    manifests: dict[str, bytes] = {}
    take = accepting({})

    def reply(asked: Asked) -> Reply:
        if "/manifests/" not in asked.path:
            return take(asked)
        if asked.method == "PUT":
            manifests[asked.path] = asked.body
        found = manifests.get(asked.path)
        return Reply(status=200, body=found) if found else Reply(status=404)

    with answering(reply) as fake:
        assert publish_layout(folder, f"{fake.address}/plugin/ticker")
    assert any(asked.method == "GET" for asked in fake.asked)


def test_the_tags_come_last_and_the_plugin_before_the_rules(folder: Path) -> None:
    with answering(accepting({})) as fake:
        publish_layout(folder, f"{fake.address}/plugin/ticker")
    puts = [asked.path for asked in fake.asked if asked.method == "PUT"]
    assert puts[-2:] == ["/v2/plugin/ticker/manifests/0.1.0", "/v2/ruleset/ticker/manifests/0.1.0"]
    assert sum("/manifests/sha256:" in path for path in puts) == 2
    assert sum("/v2/upload?" in path for path in puts) == 5
