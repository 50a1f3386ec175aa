# SPDX-License-Identifier: Apache-2.0
"""SocketLines: the lines of a Unix socket that somebody else listens on, connected to again."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Final

from falcokit.sources.consumer import Consumer
from falcokit.sources.lines import MAX_LINE, LineBuffer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SocketLines"]

_PIECE: Final = 65536
_CONNECT_SECONDS: Final = 10.0


class SocketLines(Consumer):
    """The lines as bytes; when the other end goes, it is connected to again.

    Args:
        path: The socket.
        greeting: What is sent first.
        max_line: Bytes of a line; what it has beyond is left out.
        first_pause: Seconds of the pause after a failure, which doubles with the next.
        max_pause: Seconds of the longest.
        name: Prefix of the metrics: <name>_messages and so on.

    """

    name = "socket"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        greeting: bytes = b"",
        max_line: int = MAX_LINE,
        first_pause: float = 1.0,
        max_pause: float = 60.0,
        name: str | None = None,
    ) -> None:
        def connect() -> _Lines:
            return _Lines(os.fspath(path), greeting, max_line)

        super().__init__(connect, first_pause=first_pause, max_pause=max_pause, name=name)


class _Lines:
    """The lines of one connection."""

    def __init__(self, path: str, greeting: bytes, max_line: int) -> None:
        self._max_line = max_line
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(_CONNECT_SECONDS)
            self._socket.connect(path)
            self._socket.sendall(greeting)
            self._socket.settimeout(None)
        except OSError as e:
            self._socket.close()
            raise ConnectionError(f"{path}: {e.strerror or e}") from e

    def __iter__(self) -> Iterator[bytes]:
        lines = LineBuffer(self._max_line)
        with self._socket:
            while piece := self._socket.recv(_PIECE):
                yield from lines.add(piece)
        yield from lines.end()

    def close(self) -> None:
        """End it; from another thread this makes the reading one return."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
