# SPDX-License-Identifier: Apache-2.0
"""HttpLines: the lines of an answer that does not end, such as Docker's or Kubernetes' events."""

from __future__ import annotations

import contextlib
import http.client
import socket
from typing import TYPE_CHECKING, Final

from falcokit.sources.consumer import Consumer
from falcokit.sources.http_client import Headers, HttpClient, HttpError
from falcokit.sources.lines import MAX_LINE, LineBuffer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

__all__ = ["HttpLines"]

_PIECE: Final = 65536


class HttpLines(Consumer):
    """The lines as bytes; when the answer ends or breaks, the server is asked again.

    Args:
        url: What to ask for, or a function that returns it: what it asks for may go on from where
            the last connection has ended.
        headers: Further headers, such as Authorization; a function is called for each request.
        unix_socket: A socket on this machine to connect to, whatever the URL's host.
        tls: For https; None: the certificates that the system trusts.
        timeout: Seconds until the answer begins.
        silence: Seconds without a line after which the server is asked anew; None: it may be
            silent for ever.
        max_line: Bytes of a line; what it has beyond is left out.
        first_pause: Seconds of the pause after a failure, which doubles with the next.
        max_pause: Seconds of the longest.
        name: Prefix of the metrics: <name>_messages and so on.

    Raises:
        PluginError: the URL is none.

    """

    name = "stream"

    def __init__(
        self,
        url: str | Callable[[], str],
        *,
        headers: Headers | None = None,
        unix_socket: str | None = None,
        tls: ssl.SSLContext | None = None,
        timeout: float = 30.0,
        silence: float | None = None,
        max_line: int = MAX_LINE,
        first_pause: float = 1.0,
        max_pause: float = 60.0,
        name: str | None = None,
    ) -> None:
        def ask() -> str:
            return url() if callable(url) else url

        client = HttpClient(
            ask(), headers=headers, timeout=timeout, unix_socket=unix_socket, tls=tls
        )

        def connect() -> _Lines:
            address = ask()
            return _Lines(client.open(address, {}), address, silence, max_line)

        super().__init__(connect, first_pause=first_pause, max_pause=max_pause, name=name)


class _Lines:
    """The lines of one answer."""

    def __init__(
        self, answer: http.client.HTTPResponse, url: str, silence: float | None, max_line: int
    ) -> None:
        self._answer, self._url, self._max_line = answer, url, max_line
        # The timeout until now was that of the beginning. Nothing public leads to the socket.
        stream = getattr(getattr(answer.fp, "raw", None), "_sock", None)
        if stream is not None:
            stream.settimeout(silence)
        self._socket = socket.socket(fileno=socket.dup(answer.fileno()))  # for another thread

    def __iter__(self) -> Iterator[bytes]:
        lines = LineBuffer(self._max_line)
        try:
            while piece := self._answer.read1(_PIECE):
                yield from lines.add(piece)
        except TimeoutError:
            raise HttpError(f"{self._url}: silent for too long") from None
        except (OSError, ValueError, http.client.HTTPException) as e:
            raise HttpError(f"{self._url}: {e!r}"[:500]) from e
        finally:
            self._answer.close()
            self._socket.close()
        yield from lines.end()

    def close(self) -> None:
        """End it; from another thread this makes the reading one return."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
