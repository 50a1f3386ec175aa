# SPDX-License-Identifier: Apache-2.0
"""Which connections may stay: anybody can open one, and only who shows the token gets to keep it.

A connection without a token costs its opener nothing, so it is never a reason to turn another away:
where there are too many, from one address or at all, the oldest of them has to go. No connection
outlives the time for a whole request, however steadily its bytes come.
"""

import contextlib
import socket
import threading
import time

_REQUEST_S = 10.0  # from the opening to the last byte of the body
_UNPROVEN_MAX = 256
_UNPROVEN_OF_ONE_ADDRESS = 32  # behind a proxy all come from one; a token is shown in no time


class Connections:
    """All that are open, oldest first; used by the server's thread and those of the requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due: dict[socket.socket, float] = {}
        self._unproven: dict[socket.socket, str] = {}

    def opened(self, connection: socket.socket, address: str) -> None:
        """Count it among those that have shown no token, and make room for it there."""
        with self._lock:
            own = [other for other, from_ in self._unproven.items() if from_ == address]
            if len(own) >= _UNPROVEN_OF_ONE_ADDRESS:
                self._end(own[0])
            elif len(self._unproven) >= _UNPROVEN_MAX:
                self._end(next(iter(self._unproven)))
            self._due[connection] = time.monotonic() + _REQUEST_S
            self._unproven[connection] = address

    def proven(self, connection: socket.socket) -> None:
        """Keep it until its time is over: it has shown the token."""
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
        """End all of them."""
        with self._lock:
            for connection in list(self._due):
                self._end(connection)

    def _end(self, connection: socket.socket) -> None:
        """Let its thread read an end: it answers, if it can, and closes."""
        self._due.pop(connection, None)
        self._unproven.pop(connection, None)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RD)
