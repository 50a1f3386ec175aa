# SPDX-License-Identifier: Apache-2.0
"""Takes items of a tool, and gives up after ten seconds."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falcokit.sources.feed import Feed

__all__ = ["reading", "take", "until"]

SECONDS = 10.0


def take(feed: Feed, count: int) -> list[Any]:
    """Return `count` items, or fewer when the feed is over or ten seconds are."""
    found: list[Any] = []
    timer = threading.Timer(SECONDS, feed.close)
    timer.start()
    try:
        while len(found) < count and (items := feed.read()):
            found += items
    finally:
        timer.cancel()
    return found


@contextlib.contextmanager
def reading(feed: Feed) -> Iterator[list[Any]]:
    """Iterate over the feed on a thread, as an event source does; the items are in the list."""
    found: list[Any] = []
    thread = threading.Thread(target=_collect, args=(feed, found))
    thread.start()
    try:
        yield found
    finally:
        begun = time.monotonic()
        feed.close()
        thread.join(SECONDS)
        assert not thread.is_alive()
        assert time.monotonic() - begun < 2.0  # an end is prompt


def _collect(feed: Feed, found: list[Any]) -> None:
    for item in feed:
        found.append(item)  # noqa: PERF402  # seen while it goes on


def until(condition: Callable[[], object]) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)
