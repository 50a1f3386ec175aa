# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that takes JSON by POST, checks it, and hands it on. Knows nothing of Falco.

202 taken   400 no JSON   401 wrong token   404 another path   405 no POST   408 too slow
411 no Content-Length     413 too large     415 another type   503 nobody takes it: come again

Who has no token can keep nobody else out: `connections` tells how.
"""

import contextlib
import hmac
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from connections import Connections

_SLOTS = 64  # requests at a time, of senders that have shown the token
_ANSWER_S = 5.0  # for a client that does not take its answer


class Refusal(Exception):  # noqa: N818  # an answer, not an error
    """A request that is answered with a status and a reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: "Receiver"
    timeout = _ANSWER_S
    server_version, sys_version = "webhook", ""

    def do_POST(self) -> None:  # the name http.server calls
        try:
            self._check_token()
            with self._slot():
                self._take(self._events())
        except Refusal as e:
            self.close_connection = True  # what is left of the body is not read
            self._answer(e.status, str(e))

    def _take(self, events: list[bytes]) -> None:
        taken = sum(map(self.server.take, events))
        if taken < len(events):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{taken} of {len(events)} events taken")
        else:
            self._answer(HTTPStatus.ACCEPTED, f"{taken} events taken")

    def do_GET(self) -> None:
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "events come by POST")

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET  # noqa: N815

    def _check_token(self) -> None:
        server = self.server
        if self.path != server.path:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is nothing at this path")
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), server.token):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "the token is wrong or missing")
        server.connections.proven(self.connection)

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        if not self.server.slots.acquire(blocking=False):
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests: come again")
        try:
            yield
        finally:
            self.server.slots.release()

    def _events(self) -> list[bytes]:
        server = self.server
        kind = self.headers.get_content_type()
        if kind != "application/json":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
        if int(length) > server.max_bytes:
            text = f"at most {server.max_bytes} bytes"
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        body = self._body(int(length))
        try:
            events = msgspec.json.decode(body, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
        except (msgspec.DecodeError, RecursionError) as e:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"no JSON object or array: {e}") from e
        return [bytes(item) for item in events] if isinstance(events, list) else [body]

    def _body(self, length: int) -> bytes:
        try:
            body = self.rfile.read(length)
        except TimeoutError:
            body = b""
        if len(body) < length:
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "the body did not come")
        return body

    def _answer(self, status: HTTPStatus, text: str) -> None:
        body = text.encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay silent: Falco's stderr is not ours. Refusals are the client's to see."""


class Receiver(ThreadingHTTPServer):
    """Listens from its making until `stop`; `take` gets each event, and says whether it took it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        *,
        path: str,
        token: bytes,
        max_bytes: int,
        take: Callable[[bytes], bool],
    ) -> None:
        self.path, self.token, self.max_bytes, self.take = path, token, max_bytes, take
        self.slots = threading.BoundedSemaphore(_SLOTS)
        self.connections = Connections()
        super().__init__(address, _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="webhook")
        self._thread.start()

    def stop(self) -> None:
        """End the server and its connections; requests under way may still be answered."""
        self.shutdown()
        self._thread.join()
        self.connections.end_all()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.opened(request, client_address[0])
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.closed(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        self.connections.end_late()  # several times a second, between connections

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is no news."""
