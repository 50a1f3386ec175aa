# SPDX-License-Identifier: Apache-2.0
"""A toolbox for event sources and async events: where events come from, made to last.

Each tool is an iterable for the thread of an event source or a producer, and an async iterable for
asyncio. It ends with the capture, has bounded memory, goes on after failures, and counts what it
does among the plugin's metrics. It is shipped with a plugin that imports it. docs/sources.md shows
each of them; a name is loaded when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from falcokit.sources.backoff import Backoff
    from falcokit.sources.consumer import Consumer
    from falcokit.sources.feed import Feed
    from falcokit.sources.http_poller import HttpPoller
    from falcokit.sources.http_receiver import (
        HttpReceiver,
        HttpRefusal,
        HttpRequest,
        Signature,
        json_items,
        whole_body,
    )
    from falcokit.sources.http_stream import HttpLines
    from falcokit.sources.process import ProcessLines
    from falcokit.sources.socket_client import SocketLines
    from falcokit.sources.socket_listener import SocketListener
    from falcokit.sources.tail import Tail
    from falcokit.sources.watch import Watch

__all__ = [
    "Backoff",
    "Consumer",
    "Feed",
    "HttpLines",
    "HttpPoller",
    "HttpReceiver",
    "HttpRefusal",
    "HttpRequest",
    "ProcessLines",
    "Signature",
    "SocketLines",
    "SocketListener",
    "Tail",
    "Watch",
    "json_items",
    "whole_body",
]

_MODULES: Final = {
    "backoff": ("Backoff",),
    "consumer": ("Consumer",),
    "feed": ("Feed",),
    "http_poller": ("HttpPoller",),
    "http_receiver": (
        *("HttpReceiver", "HttpRefusal", "HttpRequest"),
        *("Signature", "json_items", "whole_body"),
    ),
    "http_stream": ("HttpLines",),
    "process": ("ProcessLines",),
    "socket_client": ("SocketLines",),
    "socket_listener": ("SocketListener",),
    "tail": ("Tail",),
    "watch": ("Watch",),
}


def __getattr__(name: str) -> Any:
    module = next((module for module, names in _MODULES.items() if name in names), None)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # few plugins use more than one

    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return [*__all__, *globals()]
