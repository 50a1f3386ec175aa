# SPDX-License-Identifier: Apache-2.0
"""References taken apart, and logins as docker left them: an error each, and no secret in it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falcokit.errors import PublishError
from falcokit.package.registry.login import find_login
from falcokit.package.registry.reference import parse_reference

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t-w0rd"
BASIC = base64.b64encode(f"ana:{SECRET}".encode()).decode()


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


def log_in(file: Path, address: str) -> None:
    file.write_text(json.dumps({"auths": {address: {"auth": BASIC}}}))


# --- references


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "rules"),
    [
        ("ghcr.io/acme/plugins/plugin/a:1.0", "ghcr.io", "acme/plugins/plugin/a", "1.0",
         "acme/plugins/ruleset/a"),
        ("localhost/plugin/a", "localhost", "plugin/a", None, "ruleset/a"),
        ("[::1]:5000/a", "[::1]:5000", "a", None, "a-rules"),
        ("docker.io/acme/a_b", "docker.io", "acme/a_b", None, "acme/a_b-rules"),
        ("r.io:443/myplugin/a", "r.io:443", "myplugin/a", None, "myplugin/a-rules"),
        ("r.io/plugin", "r.io", "plugin", None, "plugin-rules"),
    ],
)  # fmt: skip
def test_a_reference_is_taken_apart(
    text: str, registry: str, repository: str, tag: str | None, rules: str
) -> None:
    found = parse_reference(text)
    assert (found.registry, found.repository, found.tag) == (registry, repository, tag)
    assert found.rules().repository == rules
    assert found.rules().tag == tag


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost:5000/a", "http://localhost:5000/v2/"),
        ("127.8.9.1/a", "http://127.8.9.1/v2/"),
        ("[::1]:5/a", "http://[::1]:5/v2/"),
        ("localhost.evil.com/a", "https://localhost.evil.com/v2/"),
        ("127.0.0.1.evil.com/a", "https://127.0.0.1.evil.com/v2/"),
        ("192.168.0.1:5000/a", "https://192.168.0.1:5000/v2/"),
        ("docker.io/acme/a", "https://registry-1.docker.io/v2/"),
    ],
)
def test_only_this_machine_is_spoken_to_in_the_clear(text: str, url: str) -> None:
    assert parse_reference(text).base_url == url


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "ticker", "acme/ticker", "ghcr.io", "ghcr.io/", "ghcr.io/Acme/a", "ghcr.io/a//b",
        "ghcr.io/a/", "ghcr.io/a:", "ghcr.io/a:b/c", "ghcr.io/a:-x", "ghcr.io:99999/a", "g r.io/a",
        "ghcr.io/a?x=1", "ghcr.io/a#x", "ghcr.io/../a", "-x.io/a", f"ghcr.io/{'a' * 256}",
        "ghcr.io/a\n", "ghcr.io/a:1\n", "ghcr.io\n/a",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(PublishError):
        parse_reference(text)


@pytest.mark.parametrize(
    "text", [f"https://ana:{SECRET}@ghcr.io/a", f"ana:{SECRET}@ghcr.io/a", "ghcr.io/a@sha256:0"]
)
def test_a_password_in_a_reference_is_not_shown(text: str) -> None:
    with pytest.raises(PublishError) as caught:
        parse_reference(text)
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"


@given(st.text(alphabet="ab.:/-_@[]1 \n", max_size=30))
def test_any_text_is_a_reference_or_an_error(text: str) -> None:
    try:
        found = parse_reference(text)
    except PublishError:
        return
    assert f"{found.name}{f':{found.tag}' if found.tag else ''}" == text


# --- logins


def helper(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bin").mkdir()
    program = folder / "bin" / "docker-credential-test"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("registry", "key"),
    [
        ("ghcr.io", "ghcr.io"),
        ("ghcr.io", "https://ghcr.io"),
        ("r.io:5000", "https://r.io:5000/v1/"),
        ("docker.io", "https://index.docker.io/v1/"),
    ],
)
def test_a_login_is_found_as_docker_finds_it(docker_config: Path, registry: str, key: str) -> None:
    log_in(docker_config, key)
    found = find_login(registry)
    assert found is not None
    assert (found.user, found.password) == ("ana", SECRET)
    assert SECRET not in repr(found)
    assert find_login("other.io") is None


def test_no_file_and_no_entry_are_no_login(docker_config: Path) -> None:
    assert find_login("ghcr.io") is None
    docker_config.write_text('{"auths": {"ghcr.io": {}}, "credHelpers": 1}')
    assert find_login("ghcr.io") is None


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_helper_is_asked(
    docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    answer = json.dumps({"Username": "ana", "Secret": SECRET})
    helper(
        tmp_path,
        f'[ "$1" = get ] && [ "$(cat)" = ghcr.io ] && echo \'{answer}\' && exit; exit 1',
        monkeypatch,
    )
    value = "test" if key == "credsStore" else {"ghcr.io": "test"}
    docker_config.write_text(json.dumps({key: value}))
    found = find_login("ghcr.io")
    assert found is not None
    assert found.password == SECRET
    assert find_login("other.io") is None


@pytest.mark.parametrize(
    ("config", "script", "said"),
    [
        (f'{{"auths": "{SECRET}', "", "not valid JSON"),
        ("[]", "", "not valid JSON"),
        ('{"auths": {"ghcr.io": {"auth": "%%%"}}}', "", "is damaged"),
        ('{"auths": {"ghcr.io": {"auth": 7}}}', "", "is damaged"),
        (
            f'{{"auths": {{"ghcr.io": {{"auth": "", "identitytoken": "{SECRET}"}}}}}}',
            "",
            "identity",
        ),
        ('{"credsStore": "missing"}', "", "cannot be started"),
        ('{"credsStore": "../../evil"}', "", "is not a plain name"),
        ('{"credsStore": "test"}', f"echo {SECRET}", "something other than a login"),
        ('{"credsStore": "test"}', f"echo '[\"{SECRET}\"]'", "something other than a login"),
        (
            '{"credsStore": "test"}',
            f"""echo '{{"Username": "<token>", "Secret": "{SECRET}"}}'""",
            "identity token",
        ),
    ],
)
def test_a_login_that_cannot_be_used_is_an_error_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str, script: str, said: str
) -> None:
    helper(tmp_path, script, monkeypatch)
    (tmp_path / "docker" / "config.json").write_text(config)
    with pytest.raises(PublishError, match=said) as caught:
        find_login("ghcr.io")
    assert SECRET not in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.__cause__ is None or SECRET not in str(caught.value.__cause__)
