# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that takes JSON by POST, checks it, and hands it on. Knows nothing of Falco.

202 taken   400 no JSON   401 wrong token   404 another path   405 no POST   408 too slow
411 no Content-Length     413 too large     415 another type   503 nobody takes it: come again
"""

import hmac
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

_CONNECTION_S = 10.0  # for a request that sends nothing more
_CONNECTIONS_MAX = 64


class Refusal(Exception):  # noqa: N818  # an answer, not an error
    """A request that is answered with a status and a reason."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: "Receiver"
    timeout = _CONNECTION_S
    server_version, sys_version = "webhook", ""

    def do_POST(self) -> None:  # the name http.server calls
        try:
            events = self._events()
        except Refusal as e:
            self.close_connection = True  # what is left of the body is not read
            self._answer(e.status, str(e))
            return
        except TimeoutError:
            self.close_connection = True
            self._answer(HTTPStatus.REQUEST_TIMEOUT, "the body did not come")
            return
        taken = sum(map(self.server.take, events))
        if taken < len(events):
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{taken} of {len(events)} events taken")
        else:
            self._answer(HTTPStatus.ACCEPTED, f"{taken} events taken")

    def do_GET(self) -> None:
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "events come by POST")

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET  # noqa: N815

    def _events(self) -> list[bytes]:
        server = self.server
        if self.path != server.path:
            raise Refusal(HTTPStatus.NOT_FOUND, "there is nothing at this path")
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), server.token):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "the token is wrong or missing")
        kind = self.headers.get_content_type()
        if kind != "application/json":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
        if int(length) > server.max_bytes:
            text = f"at most {server.max_bytes} bytes"
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        body = self.rfile.read(int(length))
        try:
            events = msgspec.json.decode(body, type=list[msgspec.Raw] | dict[str, msgspec.Raw])
        except (msgspec.DecodeError, RecursionError) as e:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"no JSON object or array: {e}") from e
        return [bytes(item) for item in events] if isinstance(events, list) else [body]

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
        self._room = threading.BoundedSemaphore(_CONNECTIONS_MAX)
        super().__init__(address, _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="webhook")
        self._thread.start()

    def stop(self) -> None:
        """End the server; requests under way may still be answered."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)  # more at a time than are served

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is no news."""
