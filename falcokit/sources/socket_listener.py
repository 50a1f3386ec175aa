# SPDX-License-Identifier: Apache-2.0
"""SocketListener: the lines that programs of this machine write to a Unix socket."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import stat
import threading
from typing import Final, Literal

from falcokit.runtime.base.errors import PluginError
from falcokit.sources.feed import Feed
from falcokit.sources.lines import MAX_LINE, LineBuffer

__all__ = ["SocketListener"]

_PIECE: Final = 65536
_POLL_SECONDS: Final = 0.1
_BACKLOG: Final = 64


class SocketListener(Feed):
    """Lines as bytes, of all who connect; or of datagrams, each of which has a line or several.

    While Falco is behind, nothing is read, and who writes waits. Where more connect than may, the
    one that has written nothing for the longest time is closed.

    Args:
        path: Where the socket is made; one that a dead process has left is replaced.
        kind: "stream" or "datagram".
        mode: Who may write to it, as for chmod.
        connections: How many may be connected.
        max_line: Bytes of a line; what it has beyond is left out.
        name: Prefix of the metrics: <name>_lines and so on.

    Raises:
        PluginError: the socket cannot be made there.

    """

    name = "socket"
    counts = ("lines", "bytes", "connections", "closed_for_others", "cut")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        kind: Literal["stream", "datagram"] = "stream",
        mode: int = 0o600,
        connections: int = 64,
        max_line: int = MAX_LINE,
        name: str | None = None,
    ) -> None:
        if kind not in {"stream", "datagram"}:
            raise PluginError(f'kind is "stream" or "datagram", not {kind!r}')
        self.path = os.fspath(path)
        self._is_stream = kind == "stream"
        self._most, self._max_line = connections, max_line
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, LineBuffer] = {}  # who wrote last is the last
        self._lock = threading.Lock()  # sockets are closed by another thread than reads them
        self._socket = self._listen(mode)
        self._made = os.stat(self.path)
        self._selector.register(self._socket, selectors.EVENT_READ)
        super().__init__(name)

    def _listen(self, mode: int) -> socket.socket:
        kind = socket.SOCK_STREAM if self._is_stream else socket.SOCK_DGRAM
        made = socket.socket(socket.AF_UNIX, kind)
        try:
            self._remove_dead(kind)
            os.fchmod(made.fileno(), mode)  # the file gets it when it is made, and no moment later
            made.bind(self.path)
            os.chmod(self.path, mode)  # without the umask
            made.setblocking(False)
            if self._is_stream:
                made.listen(_BACKLOG)
        except OSError as e:
            made.close()
            self._selector.close()
            raise PluginError(f"no socket at {self.path}: {e.strerror or e}") from e
        return made

    def _remove_dead(self, kind: int) -> None:
        """Remove a socket that nobody listens on; no other file."""
        try:
            if not stat.S_ISSOCK(os.lstat(self.path).st_mode):
                raise FileExistsError(None, "something else is there, which is no socket")
        except FileNotFoundError:
            return
        with socket.socket(socket.AF_UNIX, kind) as other:
            try:
                other.settimeout(1.0)
                other.connect(self.path)
            except ConnectionRefusedError:
                os.unlink(self.path)

    def read(self) -> list[bytes]:
        """Wait for lines, and return those that are there."""
        while not self.closed.is_set():
            # With the lock, so that no number of a closed socket is another file's by then.
            with self._lock:
                ready = [] if self.closed.is_set() else self._selector.select(0)
                lines = [line for key, _ in ready for line in self._from(key.fileobj)]
            if lines:
                self.counters.add("lines", len(lines))
                return lines
            if not ready:
                self._wait()
        return []

    def _wait(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # it is closed by another thread
            self._selector.select(_POLL_SECONDS)

    def _from(self, ready: object) -> list[bytes]:
        assert isinstance(ready, socket.socket)  # noqa: S101
        if ready is self._socket and self._is_stream:
            self._accept()
            return []
        try:
            data = ready.recv(_PIECE)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.counters.add("bytes", len(data))
        if ready is self._socket:
            lines = LineBuffer(self._max_line)
            return self._counted(lines, lines.add(data) + lines.end())
        lines = self._peers.pop(ready)
        if data:
            self._peers[ready] = lines
            return self._counted(lines, lines.add(data))
        self._drop(ready)
        return self._counted(lines, lines.end())

    def _counted(self, buffer: LineBuffer, lines: list[bytes]) -> list[bytes]:
        if buffer.cut:
            self.counters.add("cut", buffer.cut)
            buffer.cut = 0
        return lines

    def _accept(self) -> None:
        try:
            peer, _ = self._socket.accept()
        except OSError as e:
            if not isinstance(e, BlockingIOError):
                self.warn("accept", "a connection was not accepted: %s", e)
                self.closed.wait(_POLL_SECONDS)  # no files left: it would fail at once again
            return
        if len(self._peers) >= self._most:
            oldest = next(iter(self._peers))
            del self._peers[oldest]
            self._drop(oldest)
            self.counters.add("closed_for_others")
        peer.setblocking(False)
        self._peers[peer] = LineBuffer(self._max_line)
        self._selector.register(peer, selectors.EVENT_READ)
        self.counters.add("connections")

    def _drop(self, peer: socket.socket) -> None:
        self._selector.unregister(peer)
        peer.close()

    def _release(self) -> None:
        with contextlib.suppress(OSError):
            there = os.lstat(self.path)
            if (there.st_dev, there.st_ino) == (self._made.st_dev, self._made.st_ino):
                os.unlink(self.path)
        with self._lock:
            for peer in (*self._peers, self._socket):
                peer.close()
            self._peers.clear()
            self._selector.close()
