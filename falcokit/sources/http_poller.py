# SPDX-License-Identifier: Apache-2.0
"""HttpPoller: what a server answers, asked again and again, and only when it has changed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from falcokit.runtime.base.errors import PluginError
from falcokit.sources.backoff import Backoff
from falcokit.sources.feed import Feed, on_own_thread
from falcokit.sources.http_client import Headers, HttpClient, HttpError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

__all__ = ["HttpPoller", "next_link", "retry_seconds"]

_NOT_MODIFIED: Final = 304
_RETRY_MAX: Final = 3600.0  # seconds that a server can make it wait
_LINK_MAX: Final = 16 * 1024


class HttpPoller(Feed):
    """The bodies of answers, one for each page.

    An answer that has not changed since the last time is not given, if the server says so (ETag,
    Last-Modified). After a failure it is asked again, after longer and longer pauses, or when
    the server says (Retry-After); the source does not end by it.

    Args:
        url: What to ask for; http or https.
        every: Seconds from one round to the next.
        headers: Further headers, such as Authorization; a function is called for each request.
        pages: How many pages are asked for in a round, by `Link: <...>; rel="next"`.
        max_bytes: Bytes of one answer.
        timeout: Seconds for one answer.
        max_pause: The longest pause after failures, in seconds.
        unix_socket: A socket on this machine to connect to, whatever the URL's host.
        tls: For https; None: the certificates that the system trusts.
        name: Prefix of the metrics: <name>_answers and so on.

    Raises:
        PluginError: the URL is none, or a number makes no sense.

    """

    name = "poll"
    counts = ("requests", "answers", "bytes", "unchanged", "failures")

    def __init__(
        self,
        url: str,
        *,
        every: float = 60.0,
        headers: Headers | None = None,
        pages: int = 100,
        max_bytes: int = 16 << 20,
        timeout: float = 30.0,
        max_pause: float = 300.0,
        unix_socket: str | None = None,
        tls: ssl.SSLContext | None = None,
        name: str | None = None,
    ) -> None:
        if every <= 0 or pages < 1 or timeout <= 0:
            raise PluginError("every=, pages= and timeout= must be above 0")
        self._url, self._every, self._pages, self._max_bytes = url, every, pages, max_bytes
        self._client = HttpClient(
            url, headers=headers, timeout=timeout, unix_socket=unix_socket, tls=tls
        )
        self._backoff = Backoff(min(1.0, max_pause), max_pause)
        self._due = time.monotonic()
        self._next: str | None = None  # the next page of the round
        self._page = 0
        self._known: dict[str, str] = {}  # headers by which the server sees what we have
        self._found: dict[str, str] = {}  # those of this round: for when all of it was given
        super().__init__(name)

    def read(self) -> list[bytes]:
        """Wait for an answer, and return its body."""
        while not self.closed.is_set():
            if self._next is None:
                self._known.update(self._found)
                self.closed.wait(max(0.0, self._due - time.monotonic()))
                self._due = time.monotonic() + self._every
                self._page = 0
            found = on_own_thread(self._ask, self.closed)
            if found:
                return [found]
        return []

    def _ask(self) -> bytes:
        """Return the next body that is news; nothing: there is none now."""
        url, first = self._next or self._url, self._next is None
        self.counters.add("requests")
        try:
            body, headers = self._client.fetch(url, self._known if first else {}, self._max_bytes)
        except Exception as e:  # noqa: BLE001  # `headers` is the author's, and may raise anything
            self._failed(e)
            return b""
        self._backoff.reset()
        self.counters.add("answers")
        self.counters.add("bytes", len(body))
        lower = {name.lower(): value for name, value in headers.items()}
        if first:
            self._found = _validators(lower)
        self._page += 1
        follow = next_link(lower.get("link", ""))
        self._next = urljoin(url, follow) if follow and self._page < self._pages else None
        return body

    def _failed(self, error: Exception) -> None:
        self._next = None  # the round begins anew, with what was known before it
        if isinstance(error, HttpError) and error.status == _NOT_MODIFIED:
            self._backoff.reset()
            self.counters.add("unchanged")
            return
        self._found = {}
        self.counters.add("failures")
        pause = self._backoff.next()
        if isinstance(error, HttpError):
            lower = {name.lower(): value for name, value in error.headers.items()}
            pause = max(pause, retry_seconds(lower.get("retry-after", "")))
        self._due = time.monotonic() + pause
        self.warn("failed", "%s; asked again in %.0f s", error, pause)


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    pairs = (("etag", "If-None-Match"), ("last-modified", "If-Modified-Since"))
    return {ours: headers[theirs] for theirs, ours in pairs if theirs in headers}


def next_link(header: str) -> str | None:
    """Return the target of rel="next" in a Link header."""
    for part in header[:_LINK_MAX].split(","):
        target, *parameters = part.split(";")
        target = target.strip()
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            relations = value.strip().strip('"').lower().split()
            if key.strip().lower() == "rel" and "next" in relations and target[:1] == "<":
                return target[1:].partition(">")[0]
    return None


def retry_seconds(header: str) -> float:
    """Return for how many seconds a Retry-After header asks, at most an hour; 0: for none."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _RETRY_MAX)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415  # few servers give a date

    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
    return min(max(seconds, 0.0), _RETRY_MAX)
