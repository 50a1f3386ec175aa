# SPDX-License-Identifier: Apache-2.0
"""Requests by HTTP for the tools that ask: with limits, and without giving secrets to strangers.

A redirection is followed within the same host only, since the author's headers go with it. Proxies
of the environment (`https_proxy`) are used. What asks is on a thread that may be abandoned, so a
request ends by its own timeouts.
"""

from __future__ import annotations

import http.client
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from falcokit.runtime.base.errors import PluginError

if TYPE_CHECKING:
    import ssl

__all__ = ["Headers", "HttpClient", "HttpError", "origin"]

Headers = Mapping[str, str] | Callable[[], Mapping[str, str]]
_PIECE: Final = 65536


class HttpError(OSError):
    """A request that has failed: what of it to log, and what the server said.

    Attributes:
        status: The status of the answer; None: there was none.
        headers: The headers of the answer.

    """

    def __init__(
        self, text: str, status: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.headers: Mapping[str, str] = headers or {}


def origin(url: str) -> tuple[str, str, int | None]:
    """Return what may get the author's headers: scheme, host and port.

    Raises:
        ValueError: it is no URL of HTTP.

    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is no http:// or https:// URL")
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


class HttpClient:
    """Sends GET requests to one server.

    Args:
        url: The first URL, which says which server.
        headers: The author's headers, or a function that returns them for each request.
        timeout: Seconds of waiting for the server, each time.
        unix_socket: The socket to connect to, whatever the URL's host.
        tls: For https; None: the certificates that the system trusts.

    """

    def __init__(
        self,
        url: str,
        *,
        headers: Headers | None,
        timeout: float,
        unix_socket: str | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        try:
            self._origin = origin(url)
        except ValueError as e:
            raise PluginError(str(e)) from None
        self._headers, self._timeout = headers or {}, timeout
        opener = self._opener = urllib.request.OpenerDirector()
        handlers: list[Any] = [
            _SameServer(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
        ]
        if unix_socket is not None:
            handlers.append(_UnixHandler(unix_socket))
        else:
            handlers += [urllib.request.ProxyHandler(), urllib.request.HTTPHandler()]
            if self._origin[0] == "https":
                handlers.append(urllib.request.HTTPSHandler(context=tls))
        for handler in handlers:
            opener.add_handler(handler)

    def open(self, url: str, more: Mapping[str, str]) -> http.client.HTTPResponse:
        """Send a request, and return the answer when its head is there.

        Raises:
            HttpError: there was no answer, or not one of success.

        """
        if origin(url) != self._origin:
            raise HttpError(f"{url} is on another server, which is not asked")
        headers = self._headers() if callable(self._headers) else self._headers
        request = urllib.request.Request(url, headers={**headers, **more})  # noqa: S310  # see origin
        try:
            answer: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as e:
            with e:
                text = f"{url}: {e.code} {str(e.reason)[:200]}"
                raise HttpError(text, e.code, dict(e.headers.items())) from None
        except (OSError, http.client.HTTPException) as e:  # URLError is an OSError
            raise HttpError(f"{url}: {getattr(e, 'reason', None) or e!r}"[:500]) from e
        if answer is None:
            raise HttpError(f"{url}: no handler for it")
        return answer

    def fetch(
        self, url: str, more: Mapping[str, str], max_bytes: int
    ) -> tuple[bytes, Mapping[str, str]]:
        """Send a request, and return the body and the headers of the answer.

        Raises:
            HttpError: no answer, not one of success, too large, or not there in time.

        """
        deadline = time.monotonic() + self._timeout
        parts: list[bytes] = []
        left = max_bytes
        with self.open(url, more) as answer:
            try:
                while part := answer.read1(_PIECE):
                    left -= len(part)
                    if left < 0:
                        raise HttpError(f"{url}: more than {max_bytes} bytes")
                    if time.monotonic() > deadline:
                        raise HttpError(f"{url}: not there after {self._timeout:g} s")
                    parts.append(part)
                if answer.length:
                    raise HttpError(f"{url}: the answer broke off")
            except (OSError, http.client.HTTPException) as e:
                if isinstance(e, HttpError):
                    raise
                raise HttpError(f"{url}: {e!r}"[:500]) from e
            return b"".join(parts), dict(answer.headers.items())


class _SameServer(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to the same server only."""

    max_redirections = 5

    def redirect_request(  # noqa: PLR0917  # as urllib calls it
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        try:
            same = origin(newurl) == origin(req.full_url)
        except ValueError:
            same = False
        if not same:
            text = f"the server redirects to {newurl[:200]}: if that is right, ask it directly"
            raise urllib.error.HTTPError(req.full_url, code, text, headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, host: str, **options: Any) -> None:
        super().__init__(host, **options)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _UnixHandler(urllib.request.HTTPHandler):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **options: Any) -> _UnixConnection:
            return _UnixConnection(self._path, host, **options)

        return self.do_open(connection, req)
