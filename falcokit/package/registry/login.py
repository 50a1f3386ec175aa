# SPDX-License-Identifier: Apache-2.0
"""The credentials for a registry, as `docker login` stored them.

They come from $DOCKER_CONFIG/config.json, or ~/.docker/config.json, and from the credential helpers
named there, never from an argument or another variable. They are passed to the authentication only;
no message shows them.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from falcokit.errors import PublishError

__all__ = ["Login", "config_file", "find_login"]

_HUB_KEY: Final = "https://index.docker.io/v1/"
_HUB: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_HELPER_SECONDS: Final = 60
"""A helper may prompt the user."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """A user and a password; neither appears in its repr."""

    user: str = field(repr=False)
    password: str = field(repr=False)


def config_file() -> Path:
    """Return the path of docker's configuration file, which may not exist."""
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def find_login(registry: str) -> Login | None:
    """Return the login that docker would use for `registry`, or None.

    Raises:
        PublishError: the file or a helper named there cannot be used.

    """
    file = config_file()
    config = _read(file)
    keys = (_HUB_KEY, *sorted(_HUB)) if registry in _HUB else (registry,)
    for key in keys:
        helper = _table(config, "credHelpers").get(key) or config.get("credsStore")
        if isinstance(helper, str) and helper:
            found = _ask(helper, key, file)
            if found:
                return found
    for key, entry in _table(config, "auths").items():
        if key in keys or _host(key) in keys:
            found = _stored(entry, key, file)
            if found:
                return found
    return None


def _host(key: str) -> str:
    """Return the host of a key that older docker wrote as a URL."""
    return key.partition("://")[2].partition("/")[0]


def _read(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as e:
        raise PublishError(f"{file} cannot be read: {e.strerror}") from e
    except ValueError:  # its text quotes the file
        config = None
    if not isinstance(config, dict):
        raise PublishError(f"{file} is not valid JSON", hint="write it again with docker login")
    return config


def _table(config: dict[str, Any], key: str) -> dict[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _stored(entry: Any, key: str, file: Path) -> Login | None:
    if not isinstance(entry, dict):
        return None
    if entry.get("identitytoken"):
        raise _identity_token(key, file)
    stored = entry.get("auth")
    if not stored:
        return None
    try:
        user, colon, password = base64.b64decode(stored, validate=True).decode().partition(":")
    except (ValueError, TypeError):
        colon = ""
    if not colon:
        raise PublishError(
            f"{file}: the login for {key} is damaged", hint=f"log in again: docker login {key}"
        )
    return Login(user=user, password=password.rstrip("\0"))


def _ask(helper: str, key: str, file: Path) -> Login | None:
    """Ask a credential helper; it fails if it knows no login."""
    program = f"docker-credential-{helper}"
    if "/" in helper:
        raise PublishError(
            f"{file} names a credential helper {helper!r}, which is not a plain name"
        )
    try:
        done = subprocess.run(
            [program, "get"],
            input=key.encode(),
            capture_output=True,
            check=False,
            timeout=_HELPER_SECONDS,
        )
    except subprocess.TimeoutExpired as e:
        raise PublishError(f"{program} did not answer within {_HELPER_SECONDS} s") from e
    except OSError as e:
        raise PublishError(
            f"{program}, which {file} names, cannot be started: {e.strerror}",
            hint="install it, or log in again with docker login",
        ) from e
    if done.returncode != 0:
        return None
    try:
        answer = json.loads(done.stdout)
        user, password = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError):  # without its cause, which quotes the answer
        raise PublishError(f"{program} returned something other than a login") from None
    if user == "<token>":
        raise _identity_token(key, file)
    return Login(user=str(user), password=str(password))


def _identity_token(key: str, file: Path) -> PublishError:
    return PublishError(
        f"{file} holds an identity token for {key}, which falcokit does not support",
        hint=f"log in with a user and an access token: docker login -u USER {key}",
    )
