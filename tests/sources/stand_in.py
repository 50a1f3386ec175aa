# SPDX-License-Identifier: Apache-2.0
"""A server that answers what a test says, on TCP or on a Unix socket, and may be killed."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Answer", "Asked", "StandIn", "serving"]


@dataclass
class Answer:
    """An answer; an iterator as its body is sent in chunks, as it comes."""

    body: bytes | Iterator[bytes] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """A request."""

    path: str
    headers: Mapping[str, str]


class StandIn:
    """The server while it runs."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host}:{port}"


class _OnUnix(ThreadingHTTPServer):
    address_family = getattr(__import__("socket"), "AF_UNIX")  # noqa: B009

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "unix", 0

    def get_request(self) -> tuple[Any, Any]:
        connection, _ = super().get_request()
        return connection, ("unix", 0)


@contextlib.contextmanager
def serving(
    answer: Callable[[Asked], Answer], at: Path | tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[StandIn]:
    """Answer requests by the function until the end of the block."""
    ending = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = Asked(self.path, dict(self.headers))
            stand_in.asked.append(asked)
            self.close_connection = True
            given = answer(asked)
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            if isinstance(given.body, bytes):
                self.send_header("Content-Length", str(len(given.body)))
                self.end_headers()
                self.wfile.write(given.body)
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in given.body:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                if ending.is_set():
                    return
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            pass

    kind: Any = ThreadingHTTPServer if isinstance(at, tuple) else _OnUnix
    kind = type("Server", (kind,), {"handle_error": lambda *_: None, "daemon_threads": True})
    with kind(at if isinstance(at, tuple) else str(at), Handler) as server:
        stand_in = StandIn(server)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield stand_in
        finally:
            ending.set()
            server.shutdown()
            thread.join()
