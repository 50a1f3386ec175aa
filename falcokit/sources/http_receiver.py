# SPDX-License-Identifier: Apache-2.0
"""HttpReceiver: events that others send by HTTP.

    202 taken   400 not understood   401 token or signature   404 another path   405 no POST
    408 too slow   411 no length   413 too large   415 another type   431 head too large   503 later

Each connection has a thread, and `http_connections` says how many there may be; the iterating
thread takes what they have received and tells them when it is in the queue.
"""

from __future__ import annotations

import contextlib
import hmac
import threading
from collections import deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from falcokit.runtime.base.errors import PluginError, format_error
from falcokit.runtime.base.stack import bounded
from falcokit.sources.feed import Feed
from falcokit.sources.http_connections import REQUEST_SECONDS, Connections
from falcokit.sources.http_server import Handler, HttpRefusal, HttpServer, one_line

if TYPE_CHECKING:
    import http.client
    import os
    import ssl
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "HttpReceiver",
    "HttpRefusal",
    "HttpRequest",
    "Signature",
    "json_items",
    "whole_body",
]

_SLOTS: Final = 64  # requests at a time, of senders that have shown the token
_TOKEN_MIN: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """A request whose sender has shown that he may send."""

    path: str
    """With the query."""
    headers: http.client.HTTPMessage
    body: bytes
    address: str
    """Of the other end, which may be a proxy's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """The HMAC of a body that a sender puts into a header, such as GitHub and GitLab."""

    key: bytes
    header: str = "X-Hub-Signature-256"
    prefix: str = "sha256="
    digest: str = "sha256"

    def fits(self, request: HttpRequest) -> bool:
        """Return whether the request has the right one."""
        given = request.headers.get(self.header, "")
        want = self.prefix + hmac.new(self.key, request.body, self.digest).hexdigest()
        return hmac.compare_digest(given.encode("latin-1", "replace"), want.encode())


def whole_body(request: HttpRequest) -> Iterable[Any]:
    """Make one event of a request: its body, whatever it is."""
    return [request.body] if request.body else []


def json_items(request: HttpRequest) -> Iterable[Any]:
    """Make an event of a JSON object, and one of each item of an array.

    Raises:
        HttpRefusal: it is not sent as application/json.
        ValueError: it is no JSON object or array.

    """
    if request.headers.get_content_type() != "application/json":
        raise HttpRefusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    try:
        found = bounded(_JSON.decode, request.body)
    except (msgspec.DecodeError, RecursionError) as e:
        raise ValueError(f"no JSON object or array: {e}") from e
    return [bytes(item) for item in found] if isinstance(found, list) else [request.body]


_JSON: Final = msgspec.json.Decoder(list[msgspec.Raw] | dict[str, msgspec.Raw])


class HttpReceiver(Feed):
    """Events from requests, which are answered with 202 when the event source has them.

    With 503 are answered those that the source does not take within `answer_within` seconds,
    because Falco is behind, and those of more than 64 senders at a time: they send again later, so
    that an event may come twice, but none is lost unseen. Who shows no token keeps nobody out.

    Args:
        host: The address to listen on; "0.0.0.0" and "::" are open to other machines.
        port: 0: a free one, which `port` tells.
        path: The path that requests have; None: any.
        token: What senders give as `Authorization: Bearer ...`, at least 16 bytes.
        signature: How senders sign what they send.
        tls: Files of the certificate and its key, or an SSLContext, which may ask for certificates
            of the senders.
        max_bytes: Bytes of a body.
        events: Makes events of a request: bytes, str, an `Event` or what JSON can hold. What it
            raises as ValueError is answered with 400, an `HttpRefusal` as it says.
        answer_within: Seconds that a sender waits for Falco.
        request_seconds: Seconds for a request, from its first to its last byte.
        name: Prefix of the metrics: <name>_requests and so on.

    Raises:
        PluginError: it cannot listen there, or the token is short.

    """

    name = "http"
    counts = ("requests", "events", "bytes", "refused", "unauthorized", "busy")

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        path: str | None = "/",
        token: str | bytes | None = None,
        signature: Signature | None = None,
        tls: tuple[str | os.PathLike[str], str | os.PathLike[str]] | ssl.SSLContext | None = None,
        max_bytes: int = 1 << 20,
        events: Callable[[HttpRequest], Iterable[Any]] = json_items,
        answer_within: float = 2.0,
        request_seconds: float = REQUEST_SECONDS,
        name: str | None = None,
    ) -> None:
        self._path, self._signature, self._max_bytes = path, signature, max_bytes
        self._token = token.encode() if isinstance(token, str) else token
        if self._token is not None and len(self._token) < _TOKEN_MIN:
            raise PluginError(f"a token of less than {_TOKEN_MIN} bytes can be guessed")
        self._events, self._answer_within = events, answer_within
        self._slots = threading.BoundedSemaphore(_SLOTS)
        self._changed = threading.Condition()
        self._waiting: deque[_Delivery] = deque()
        self._given: list[_Delivery] = []
        connections = Connections(request_seconds)
        try:
            self._server = HttpServer(self, (host, port), connections, _context(tls))
        except OSError as e:
            raise PluginError(f"cannot listen on {host}:{port}: {e.strerror or e}") from e
        self.host, self.port = self._server.server_address[:2]
        # Last, since it may find that the capture has ended, and close all this.
        super().__init__(name)
        local = host == "localhost" or host.startswith(("127.", "::1"))
        if self._token is None and signature is None and not local:
            self.warn("open", "everyone who reaches %s:%d can send events", host, self.port)
        with self._closing:
            if not self.closed.is_set():
                self._server.start()

    # ---- on the thread of a connection -----------------------------------------------------------

    def answer(self, handler: Handler) -> tuple[HTTPStatus, str]:
        """Take a request, and return what it is answered."""
        self.counters.add("requests")
        try:
            self._authorize(handler)
            handler.server.connections.proven(handler.connection)
            with self._slot():
                return self._take(handler)
        except HttpRefusal as e:
            kinds = {
                HTTPStatus.UNAUTHORIZED: "unauthorized",
                HTTPStatus.SERVICE_UNAVAILABLE: "busy",
            }
            self.counters.add(kinds.get(e.status, "refused"))
            handler.close_connection = True  # what is left of the body is not read
            return e.status, str(e)

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(blocking=False):
            raise HttpRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests")
        try:
            yield
        finally:
            self._slots.release()

    def _authorize(self, handler: Handler) -> None:
        if self._path is not None and handler.path.partition("?")[0] != self._path:
            raise HttpRefusal(HTTPStatus.NOT_FOUND, "there is nothing at this path")
        if self._token is not None:
            given = handler.headers.get("Authorization", "")
            word, _, value = given.partition(" ")
            shown = value.strip().encode("latin-1", "replace") if word.lower() == "bearer" else b""
            if not hmac.compare_digest(shown, self._token):
                raise HttpRefusal(HTTPStatus.UNAUTHORIZED, "the token is wrong or missing")

    def _take(self, handler: Handler) -> tuple[HTTPStatus, str]:
        request = HttpRequest(
            path=handler.path,
            headers=cast("http.client.HTTPMessage", handler.headers),
            body=handler.read_body(self._max_bytes),
            address=str(handler.client_address[0]),
        )
        if self._signature is not None and not self._signature.fits(request):
            raise HttpRefusal(HTTPStatus.UNAUTHORIZED, "the signature is wrong or missing")
        try:
            items = list(self._events(request))
        except HttpRefusal:
            raise
        except (ValueError, msgspec.MsgspecError) as e:
            raise HttpRefusal(HTTPStatus.BAD_REQUEST, one_line(str(e))) from e
        except Exception as e:
            self.warn(
                "events", "a request could not be made into events: %s", format_error(e, "events=")
            )
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            raise HttpRefusal(status, "the request could not be made into events") from e
        self.counters.add("bytes", len(request.body))
        if items and not self._pass(items):
            raise HttpRefusal(HTTPStatus.SERVICE_UNAVAILABLE, "Falco is behind: send it again")
        self.counters.add("events", len(items))
        return HTTPStatus.ACCEPTED, f"{len(items)} events taken"

    def _pass(self, items: list[Any]) -> bool:
        delivery = _Delivery(items)
        with self._changed:
            if self.closed.is_set():
                return False
            self._waiting.append(delivery)
            self._changed.notify()
        delivery.settled.wait(self._answer_within)
        with self._changed:
            if delivery in self._waiting:
                self._waiting.remove(delivery)
            return delivery.taken

    # ---- on the iterating thread -----------------------------------------------------------------

    def read(self) -> list[Any]:
        """Wait for requests, and return their events."""
        with self._changed:
            given, self._given = self._given, []
            for delivery in given:
                delivery.settle(taken=True)
            self._changed.wait_for(lambda: self._waiting or self.closed.is_set())
            if self.closed.is_set():
                return []
            self._given = list(self._waiting)
            self._waiting.clear()
            return [item for delivery in self._given for item in delivery.items]

    def _release(self) -> None:
        with self._changed:
            for delivery in (*self._waiting, *self._given):
                delivery.settle(taken=False)
            self._changed.notify_all()
        self._server.stop()


@dataclass(eq=False, slots=True)
class _Delivery:
    """The events of one request, on their way to the iterating thread."""

    items: list[Any]
    taken: bool = False
    settled: threading.Event = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.settled = threading.Event()

    def settle(self, *, taken: bool) -> None:
        if not self.settled.is_set():  # what comes after the end does not count
            self.taken = taken
            self.settled.set()


def _context(given: Any) -> ssl.SSLContext | None:
    if not isinstance(given, tuple):
        return given  # type: ignore[no-any-return]
    import ssl  # noqa: PLC0415  # 20 ms

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(*given)
    except OSError as e:  # SSLError is one
        files = " and ".join(map(str, given))
        raise PluginError(f"the certificate cannot be used: {files}: {e.strerror or e}") from e
    return context
