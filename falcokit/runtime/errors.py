# SPDX-License-Identifier: Apache-2.0
"""The exceptions of the author's side, what each means to the framework, and how one is told.

    PluginError                    -> SS_PLUGIN_FAILURE
    ├ EmitError                    an event was not emitted; `reason` is the counter it went to
    │ ├ UndeclaredEventError       not in async_events                   undeclared_name
    │ ├ CaptureClosedError         before start_async or after stop      capture_closed
    │ ├ InvalidEventError          the data, a timestamp or thread id    invalid_data
    │ │ ├ EventTooLargeError       more than 64 MiB of data              too_large
    │ │ └ FutureTimestampError     more than 10 s ahead                  future_timestamp
    │ ├ RingFullError              in a hook: the host waits for it,     ring_full
    │ │                            so emit cannot wait for room
    │ └ EventRefusedError          the host said no; its words           host
    └ TableError                   a table cannot be used so, or its owner refused
    HookTimeoutError               raised in a hook that holds up Falco's thread; no Exception, as
                                   a loop may catch these

Raised by the C side and by the in-process driver alike; turned into a return code and a last error
by `_bridge`.
"""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CaptureClosedError",
    "EmitError",
    "EventRefusedError",
    "EventTooLargeError",
    "FutureTimestampError",
    "HookTimeoutError",
    "InvalidEventError",
    "PluginError",
    "QueueFullError",
    "RingFullError",
    "SourceClosedError",
    "TableError",
    "UndeclaredEventError",
    "own_frames",
    "tell",
]


class PluginError(Exception):
    """Base of what falcokit raises into a plugin; a hook that raises it fails with its text."""


class EmitError(PluginError):
    """An async event was not emitted."""

    reason: ClassVar[str] = "invalid_data"


class UndeclaredEventError(EmitError):
    """The name is not among the plugin's `async_events`."""

    reason = "undeclared_name"


class CaptureClosedError(EmitError):
    """No capture is open, or it is another one than the handler was made for."""

    reason = "capture_closed"


class InvalidEventError(EmitError):
    """The data, its size, the timestamp or the thread id cannot be sent."""


class EventTooLargeError(InvalidEventError):
    """There is more data than an event can hold."""

    reason = "too_large"


class FutureTimestampError(InvalidEventError):
    """The timestamp lies so far ahead that the framework would drop the event."""

    reason = "future_timestamp"


class RingFullError(EmitError):
    """There is no room, and no waiting for it: the host itself waits for the hook that emits."""

    reason = "ring_full"


class SourceClosedError(PluginError):
    """An event was put into a queue whose event source has ended or was closed."""


class QueueFullError(PluginError):
    """There is no room, and no waiting for it: the host itself waits for the hook that puts."""


class EventRefusedError(EmitError):
    """The host refused the event, for instance because its event source does not fit."""

    reason = "host"


class TableError(PluginError):
    """A table cannot be used here, or its owner refused; the text ends with the owner's words."""


class HookTimeoutError(BaseException):
    """A hook on Falco's own thread did not return: raised in it by the watch, glue_watch.c."""

    def __init__(self) -> None:
        super().__init__("it did not return within 5 s, and Falco waited for it")


def own_frames(frames: Iterable[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Return the frames that are neither falcokit's nor the standard library's, if there are any.

    Where they are all the library's, the library's; falcokit's own never.
    """
    # Not os.__file__: a packaged plugin's code bears other names than the archive it lies in.
    library = os.path.dirname(traceback.extract_tb.__code__.co_filename)
    others = [
        f
        for f in frames
        if "/falcokit/runtime/" not in f.filename
        and "/_falcokit_payload" not in f.filename
        and not f.filename.startswith("<frozen")
    ]
    theirs = [f for f in others if not f.filename.startswith(library) or "-packages" in f.filename]
    return theirs or others


def tell(error: BaseException, hook: str) -> str:
    """Say in one sentence what happened in `hook`, where (file:line), and of which type it was.

    The place is the innermost line of the author's own code, as far as there is any.
    """
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}:{error.lineno}: "
    else:
        # StopIteration out of a generator becomes a RuntimeError without the generator's frame.
        cause = error.__cause__ if isinstance(error, RuntimeError) else None
        frames = own_frames(traceback.extract_tb(error.__traceback__)) or own_frames(
            traceback.extract_tb(None if cause is None else cause.__traceback__)
        )
        place = f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""
    kind = type(error).__name__
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException as e:  # noqa: BLE001  # the author's __str__, which may even exit
        text = f"its text cannot be had ({type(e).__name__})"
    if isinstance(error, PluginError) and not place:
        return f"{hook}: {text}" if isinstance(error, EmitError) else text
    return f"{place}{hook}: {kind}: {text}" if text else f"{place}{hook}: {kind}"
