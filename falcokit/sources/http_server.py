# SPDX-License-Identifier: Apache-2.0
"""The server of a receiver: connections, heads and bodies of requests, and their bounds.

Each connection has a thread; a request with a head that is understood goes to the receiver.
"""

from __future__ import annotations

import contextvars
import http.client
import socketserver
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, Protocol

from falcokit.runtime.base.stack import OwnThread

if TYPE_CHECKING:
    import socket
    import ssl

    from falcokit.runtime.base.counters import Counters
    from falcokit.sources.http_connections import Connections

__all__ = ["Handler", "HttpRefusal", "HttpServer", "one_line"]

_IO_SECONDS: Final = 5.0  # for a client that sends or takes nothing
_HEAD_MAX: Final = 32 * 1024  # bytes of a request's line and headers
_POLL_SECONDS: Final = 0.1


class Receiver(Protocol):
    """What the server needs of it."""

    counters: Counters

    def answer(self, handler: Handler, /) -> tuple[HTTPStatus, str]:
        """Take a request, and return what it is answered."""


class HttpRefusal(Exception):  # noqa: N818  # an answer, not an error
    """What a receiver answers instead of taking a request: a status and a line of text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = HTTPStatus(status)


def one_line(text: str) -> str:
    """Return a text as one line of bounded length."""
    return " ".join(text.split())[:300]


class _Head:
    """The stream of a connection, of which a request's head may take so much and no more."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.left = _HEAD_MAX
        self.read = stream.read
        self.close = stream.close

    def readline(self, limit: int = -1) -> bytes:
        if self.left <= 0:
            raise http.client.LineTooLong("head")
        line: bytes = self._stream.readline(min(limit, self.left) if limit >= 0 else self.left)
        self.left -= len(line)
        return line


class Handler(BaseHTTPRequestHandler):
    """One connection, on a thread of its own."""

    server: HttpServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # what does not say its own gets a whole answer
    timeout = _IO_SECONDS
    server_version, sys_version = "falcokit", ""

    def setup(self) -> None:
        """Make the streams, and a TLS connection of one that is to be it."""
        super().setup()
        self.rfile: Any = _Head(self.rfile)
        handshake = getattr(self.connection, "do_handshake", None)
        if handshake is not None:
            handshake()

    def handle_one_request(self) -> None:
        """Answer a request; the next of the connection has to show the token again."""
        self.rfile.left = _HEAD_MAX
        super().handle_one_request()
        if not self.close_connection:
            self.server.connections.waits(self.connection, str(self.client_address[0]))

    def do_POST(self) -> None:
        """Give a request to the receiver."""
        status, text = self.server.receiver.answer(self)
        self._answer(status, text)

    do_PUT = do_POST  # noqa: N815

    def do_GET(self) -> None:
        """Refuse what is no request to take something."""
        self.close_connection = True
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "events come by POST")

    do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

    def send_error(self, code: int, message: str | None = None, _: str | None = None) -> None:
        """Refuse what http.server has not understood; without its page of HTML."""
        self.server.receiver.counters.add("refused")
        self.close_connection = True
        self._answer(HTTPStatus(code), one_line(message or HTTPStatus(code).phrase))

    def read_body(self, most: int) -> bytes:
        """Read the body, by its length or in chunks."""
        given = self.headers.get("Content-Length")
        coding = self.headers.get("Transfer-Encoding", "").strip().lower()
        if coding:
            if coding != "chunked" or given is not None:
                raise HttpRefusal(HTTPStatus.BAD_REQUEST, "the length of the body is not clear")
            return self._chunks(most)
        if given is None or not (given.isascii() and given.isdigit()):
            raise HttpRefusal(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
        if len(given) > len(str(most)) or int(given) > most:
            raise _too_large(most)
        return self._exactly(int(given))

    def _chunks(self, most: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while True:
            head = self._chunk_line().partition(b";")[0].strip()
            try:
                length = int(head, 16) if head.isalnum() else -1
            except ValueError:
                length = -1
            if length < 0:
                raise HttpRefusal(HTTPStatus.BAD_REQUEST, "a chunk has no length")
            if not length:
                break
            size += length
            if size > most:
                raise _too_large(most)
            parts.append(self._exactly(length))
            self._chunk_line()
        while self._chunk_line():  # trailers
            pass
        return b"".join(parts)

    def _chunk_line(self) -> bytes:
        """Read a line between chunks; each counts as the head does, so that there is an end."""
        try:
            line: bytes = self.rfile.readline(1024)
        except TimeoutError:
            line = b""
        except http.client.LineTooLong:
            line = b""
        if self.rfile.left <= 0:
            raise HttpRefusal(HTTPStatus.BAD_REQUEST, "the chunks are too small")
        if not line.endswith(b"\n"):
            raise HttpRefusal(HTTPStatus.REQUEST_TIMEOUT, "the body did not come")
        return line.strip()

    def _exactly(self, length: int) -> bytes:
        try:
            data: bytes = self.rfile.read(length)
        except TimeoutError:
            data = b""
        if len(data) < length:
            raise HttpRefusal(HTTPStatus.REQUEST_TIMEOUT, "the body did not come")
        return data

    def _answer(self, status: HTTPStatus, text: str) -> None:
        body = text.encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "1")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay silent: Falco's stderr is not ours, and refusals are counted."""


def _too_large(most: int) -> HttpRefusal:
    return HttpRefusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {most} bytes")


class HttpServer(ThreadingHTTPServer):
    """Listens from `start` to `stop`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        receiver: Receiver,
        address: tuple[str, int],
        connections: Connections,
        tls: ssl.SSLContext | None,
    ) -> None:
        if ":" in address[0]:
            import socket  # noqa: PLC0415  # loaded long ago

            self.address_family = socket.AF_INET6
        self.receiver, self.connections, self._tls = receiver, connections, tls
        super().__init__(address, Handler)
        self._stopping = threading.Lock()
        self._thread: OwnThread | None = None

    def server_bind(self) -> None:
        """Bind; HTTPServer would ask for the name of the address, which may take very long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = map(str, self.server_address[:2])  # type: ignore[assignment]

    def start(self) -> None:
        """Begin to accept connections."""
        context = contextvars.copy_context()
        self._thread = OwnThread(
            target=context.run,
            args=(self.serve_forever, _POLL_SECONDS),
            name=f"receiver on port {self.server_port}",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """End the server and its connections; requests under way may still be answered."""
        with self._stopping:
            thread, self._thread = self._thread, None
            if thread is not None:
                self.shutdown()
                thread.join()
            self.connections.end_all()
            self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the handshake of TLS is left to the thread that it gets."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread."""
        self.connections.waits(request, str(client_address[0]))
        context = contextvars.copy_context()
        OwnThread(
            target=context.run,
            args=(self.process_request_thread, request, client_address),
            name="request",
            daemon=True,
        ).start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.connections.closed(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End what is late: called several times a second, between connections."""
        self.connections.end_late()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a connection that broke, or spoke no TLS, is no news."""
