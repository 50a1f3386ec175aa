# SPDX-License-Identifier: Apache-2.0
"""A registry that does what a test wants: on loopback, in this process, remembering what it got."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Asked", "FakeRegistry", "Reply", "accepting", "answering"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class FakeRegistry:
    address: str
    asked: list[Asked]

    def sent_authorization(self) -> set[str | None]:
        return {asked.headers.get("authorization") for asked in self.asked}


def accepting(stored: dict[str, str]) -> Callable[[Asked], Reply]:
    """Make a registry that takes everything; `stored` holds the digests of its tags."""
    import hashlib

    def reply(asked: Asked) -> Reply:
        if asked.method == "POST":
            return Reply(status=202, headers={"Location": "/v2/upload?state=1"})
        if asked.method == "PUT":
            stored[asked.path] = f"sha256:{hashlib.sha256(asked.body).hexdigest()}"
            return Reply(status=201)
        digest = stored.get(asked.path)
        return (
            Reply(status=200, headers={"Docker-Content-Digest": digest})
            if digest
            else Reply(status=404)
        )

    return reply


@contextmanager
def answering(reply: Callable[[Asked], Reply]) -> Iterator[FakeRegistry]:
    """Serve `reply` on a port of the kernel's choice."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Asked(
                method=self.command,
                path=self.path,
                headers={key.lower(): value for key, value in self.headers.items()},
                body=self.rfile.read(length),
            )
            asked.append(request)
            answer = reply(request)
            self.send_response(answer.status)
            for key, value in answer.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = do_PUT = _any  # noqa: N815  http.server's names

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that gave up is part of a test."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield FakeRegistry(address=f"127.0.0.1:{server.server_port}", asked=asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
