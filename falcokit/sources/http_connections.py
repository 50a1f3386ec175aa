# SPDX-License-Identifier: Apache-2.0
"""Which connections of a receiver may stay: anybody can open one, who shows the token keeps it.

A connection that has shown nothing costs its opener nothing, so it is never a reason to turn
another away: where there are too many, from one address or at all, the oldest of them has to go. No
request outlives its time, however steadily its bytes come.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import Final

__all__ = ["REQUEST_SECONDS", "Connections"]

REQUEST_SECONDS: Final = 10.0  # from the opening, or the last answer, to the last byte of the body
_UNPROVEN_MAX: Final = 256
_UNPROVEN_OF_ONE_ADDRESS: Final = (
    32  # behind a proxy all come from one; a token is shown in no time
)


class Connections:
    """All that are open, oldest first; used by the server's thread and those of the requests."""

    def __init__(self, request_seconds: float = REQUEST_SECONDS) -> None:
        self._request_seconds = request_seconds
        self._lock = threading.Lock()
        self._due: dict[socket.socket, float] = {}
        self._unproven: dict[socket.socket, str] = {}
        self._ended = False

    def waits(self, connection: socket.socket, address: str) -> None:
        """Count it among those that have shown nothing for their request, and make room there."""
        with self._lock:
            own = [other for other, from_ in self._unproven.items() if from_ == address]
            if len(own) >= _UNPROVEN_OF_ONE_ADDRESS:
                self._end(own[0])
            elif len(self._unproven) >= _UNPROVEN_MAX:
                self._end(next(iter(self._unproven)))
            self._due[connection] = time.monotonic() + self._request_seconds
            self._unproven[connection] = address
            if self._ended:
                self._end(connection)

    def proven(self, connection: socket.socket) -> None:
        """Keep it until the time of its request is over."""
        with self._lock:
            self._unproven.pop(connection, None)

    def closed(self, connection: socket.socket) -> None:
        """Forget it."""
        with self._lock:
            self._due.pop(connection, None)
            self._unproven.pop(connection, None)

    def end_late(self) -> None:
        """End those whose time is over."""
        with self._lock:
            now = time.monotonic()
            for connection in [one for one, due in self._due.items() if due <= now]:
                self._end(connection)

    def end_all(self) -> None:
        """End all of them, and those that still come."""
        with self._lock:
            self._ended = True
            for connection in list(self._due):
                self._end(connection)

    def __len__(self) -> int:
        """Return how many are open."""
        with self._lock:
            return len(self._due)

    def _end(self, connection: socket.socket) -> None:
        """Let its thread read an end: it answers, if it can, and closes."""
        self._due.pop(connection, None)
        self._unproven.pop(connection, None)
        with contextlib.suppress(OSError):
            # Not the method of a TLS socket, which would drop the encryption for what is written.
            socket.socket.shutdown(connection, socket.SHUT_RD)
