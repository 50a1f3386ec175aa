# SPDX-License-Identifier: Apache-2.0
"""Requests to one registry: connection, authentication, and readable errors.

oras-py holds the session and implements both ways of logging in (basic, and a bearer token from the
registry's token service); it is imported only here, when something is sent. The login goes to the
registry and to the token service that it names in an encrypted answer, never to another host; in
plain HTTP it does not leave this machine.
"""

from __future__ import annotations

import functools
import importlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from falcokit.errors import PublishError, ToolMissingError
from falcokit.package.registry.login import find_login
from falcokit.package.registry.reference import is_this_machine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from falcokit.package.registry.login import Login
    from falcokit.package.registry.reference import Reference

__all__ = ["Answer", "RegistryClient"]

_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 120
"""Between two bytes of an answer: a registry may hash a large blob before it answers."""
_LARGEST_ANSWER: Final = 4 << 20
_UNAUTHORIZED: Final = (401, 403)
_DEEPEST: Final = 10
"""How deep in a chain of errors the system's own message is looked for."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of a registry."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_ok(self) -> bool:
        """Whether the request succeeded."""
        return self.status // 100 == 2  # noqa: PLR2004  HTTP's own classes

    @property
    def is_redirect(self) -> bool:
        """Whether it names another place."""
        return self.status // 100 == 3  # noqa: PLR2004


class RegistryClient:
    """A session with the registry of a reference; a context manager."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.login: Login | None = None
        self._oras = _load("oras.auth")
        self._requests = _load("requests")
        _quiet(_load("oras.logger"))
        registry = _load("oras.provider").Registry(
            hostname=reference.registry, insecure=reference.is_loopback
        )
        self._session = registry.session
        # oras-py gives no timeout, not even where it fetches a token.
        self._session.request = functools.partial(
            self._session.request, timeout=(_CONNECT_SECONDS, _READ_SECONDS)
        )
        # Otherwise requests replaces our login with one from ~/.netrc.
        self._session.auth = _unchanged
        # No proxy is used for this machine itself.
        self._session.trust_env = not reference.is_loopback
        self._authorization: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.login = find_login(self.reference.registry)
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def url(self, repository: str, path: str) -> str:
        """Return the address of something in a repository."""
        return f"{self.reference.base_url}{repository}/{path}"

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | Path | None = None,
    ) -> Answer:
        """Send a request, logging in if the registry requires it; no redirect is followed.

        Raises:
            PublishError: there is no answer, or the connection would not be safe.

        """
        url = self._check_target(url)
        is_ours = urlsplit(url).netloc == urlsplit(self.reference.base_url).netloc
        sent = {**(headers or {}), **(self._authorization if is_ours else {})}
        answer = self._send(method, url, sent, body)
        if is_ours and answer.status in _UNAUTHORIZED and self._log_in(answer):
            answer = self._send(method, url, {**(headers or {}), **self._authorization}, body)
        return answer

    def _check_target(self, url: str) -> str:
        """Return the address as requests will use it; nothing leaves this machine unencrypted."""
        # Check the address as requests parses it: parsers differ on where a host ends.
        try:
            url = str(self._requests.Request("GET", url).prepare().url)
        except self._requests.RequestException as e:
            raise self._unreachable(e) from None
        parts = urlsplit(url)
        is_here = self.reference.is_loopback and is_this_machine(parts.hostname or "")
        if parts.scheme == "https" or (parts.scheme == "http" and is_here):
            return url
        raise PublishError(
            f"{self.reference.registry} asks for a connection without encryption",
            hint="the registry's own address must be configured as https (a proxy before it sends"
            " X-Forwarded-Proto)",
        )

    def _check_realm(self, realm: str, named_at: str) -> None:
        """Check where the login would go: an unencrypted answer may be forged."""
        if "://" not in realm:  # oras-py then takes the registry's own scheme
            realm = f"{'http' if self.reference.is_loopback else 'https'}://{realm}"
        host = urlsplit(self._check_target(realm)).hostname or ""
        if urlsplit(named_at).scheme != "https" and not is_this_machine(host):
            raise PublishError(
                f"{self.reference.registry} names {host} as its token service, in an answer that"
                " was not encrypted: the login is not sent there",
                hint="use a name of the registry that has HTTPS",
            )

    def _send(
        self, method: str, url: str, headers: dict[str, str], body: bytes | Path | None
    ) -> Answer:
        try:
            if body is None or isinstance(body, bytes):
                return self._exchange(method, url, headers, body)
            with body.open("rb") as file:
                return self._exchange(method, url, headers, file)
        except self._requests.RequestException as e:
            raise self._unreachable(e) from None  # its text has the address, perhaps with a token
        except OSError as e:
            raise PublishError(f"the file to send cannot be read: {e.strerror}") from e

    def _exchange(self, method: str, url: str, headers: dict[str, str], data: Any) -> Answer:
        with self._session.request(
            method, url, headers=headers, data=data, stream=True, allow_redirects=False
        ) as response:
            content = b""
            for chunk in response.iter_content(1 << 16):
                content += chunk
                if len(content) > _LARGEST_ANSWER:
                    raise PublishError(f"{self.reference.registry} sends an endless answer")
            return Answer(
                status=response.status_code, url=url, headers=response.headers, body=content
            )

    def _log_in(self, answer: Answer) -> bool:
        """Get the authorization that the registry asks for; return whether there is a new one."""
        challenge = answer.headers.get("WWW-Authenticate", "")
        scheme = challenge.partition(" ")[0].lower()
        backend = self._oras.get_auth_backend(
            "basic" if scheme == "basic" else "token",
            session=self._session,
            insecure=self.reference.is_loopback,
        )
        if scheme == "basic" and (self.login is None or self._authorization):
            return False
        if scheme == "bearer":
            realm = _load("oras.auth.utils").parse_auth_header(challenge).realm
            if realm:
                self._check_realm(realm, answer.url)
        elif scheme != "basic":
            return False
        if self.login is not None:
            backend.set_basic_auth(self.login.user, self.login.password)
        try:
            headers, is_new = backend.authenticate_request(answer, {})
        except (ValueError, TypeError, AttributeError):  # the service sent no token
            return False
        except self._requests.RequestException as e:
            raise self._unreachable(e) from None
        if is_new:
            self._authorization = {"Authorization": headers["Authorization"]}
        return bool(is_new)

    def _unreachable(self, error: Exception) -> PublishError:
        exceptions = self._requests.exceptions
        host = self.reference.registry
        if isinstance(error, exceptions.SSLError):
            return PublishError(
                f"{host} cannot be trusted: its certificate is not valid here",
                hint="name the authority's certificate in REQUESTS_CA_BUNDLE",
            )
        if isinstance(error, exceptions.Timeout):
            return PublishError(f"{host} does not answer", hint="try again later")
        return PublishError(
            f"{host} cannot be reached: {_reason(error)}",
            hint="check the registry's name and the network; blobs already sent are kept",
        )


def _load(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise ToolMissingError(
            "oras-py, the client for registries, is not installed",
            hint="pip install 'falcokit[publish]'",
        ) from e


def _quiet(module: Any) -> None:
    """Keep oras-py from writing to the terminal; failures are raised as errors."""
    module.logger.logger.disabled = True


def _unchanged(request: Any) -> Any:
    return request


def _reason(error: BaseException | None) -> str:
    """Return the system's own message; the errors around it only repeat the address."""
    reason = "the connection broke"
    for _ in range(_DEEPEST):
        if error is None:
            break
        if isinstance(error, socket.gaierror):
            return "no such host"
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        inner = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        error = next((found for found in inner if isinstance(found, BaseException)), None)
    return reason
