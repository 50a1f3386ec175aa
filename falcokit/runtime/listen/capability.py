# SPDX-License-Identifier: Apache-2.0
"""CaptureListening: the capability of knowing when a capture opens and closes, and of routines.

    class Cleaner(Plugin, AsyncEvents, CaptureListening):
        name, version, description, contact = "cleaner", "0.1.0", "Cleans.", "you@example.com"
        async_events = ("cleaned",)

        def start_async(self, handler):
            self.handler = handler

        def capture_open(self, capture):
            self.capture = capture
            capture.subscribe(self.clean)

        def clean(self):
            self.handler.emit("cleaned")
            return not self.capture.wait(1.0)

A routine is a function that the framework calls again and again on the threads of its pool, which
the plugins of a capture share; where the host has no pool, falcokit gives it a thread of its own.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from falcokit.runtime.listen.routines import Routines

__all__ = ["Capture", "CaptureListening", "Routine"]


class Routine:
    """A function that a capture calls again and again. Made by `Capture.subscribe`."""

    def __init__(self, function: Callable[[], bool | None], routines: Routines) -> None:
        self._function = function
        # Weakly: what an author keeps of a capture would else be a cycle with the whole plugin.
        self._routines = weakref.ref(routines)

    def unsubscribe(self) -> None:
        """Let the function not be called again.

        It does not wait: a call under way goes on, and may be seen for a moment longer. Any thread
        may call this, at any time, also the routine itself.
        """
        routines = self._routines()
        if routines is not None:  # the capture has not been closed and forgotten
            routines.end(self)


class Capture:
    """An open capture, from `capture_open` until `capture_close` has returned."""

    def __init__(self, routines: Routines) -> None:
        self._routines = weakref.ref(routines)
        self._closing = threading.Event()

    @property
    def closing(self) -> bool:
        """Whether the capture is being closed: routines return then, for Falco waits for them."""
        return self._closing.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the capture is being closed; return whether it is.

        A routine paces itself by this; `time.sleep` instead would keep Falco's close waiting.
        """
        return self._closing.wait(seconds)

    def subscribe(self, function: Callable[[], bool | None]) -> Routine:
        """Have a function called again and again, without a pause in between.

        It is called with no argument, once `capture_open` has returned, on a thread of the host's
        pool, never twice at a time, until it returns False, raises (falcokit logs it), is
        unsubscribed, or the capture closes. Tables cannot be used in it. When the capture closes it
        has 2 s to return; then an exception (SystemExit) is raised in it.

        Raises:
            TypeError: it is not callable.
            RuntimeError: not within `capture_open`, or the capture has 64 routines already.

        """
        routines = self._routines()
        if routines is None:
            raise RuntimeError("routines are subscribed in capture_open")
        return routines.begin(function)


class CaptureListening:
    """Mixin: the plugin is told when a capture opens and when it closes.

    A plugin with this capability alone is of no use in Falco, which refuses a plugin that has no
    other one: add an event source, fields, async events or event parsing.
    """

    def capture_open(self, capture: Capture) -> None:
        """Prepare for the events of a capture, and subscribe routines.

        Required: no. Called: when a capture opens, live or a file, after `start_async`, within
        30 s. Tables can be read and written. Raise: the capture then does not open.
        """

    def capture_close(self, capture: Capture) -> None:
        """Let go of what `capture_open` took.

        Required: no. Called: when the capture closes, after `stop_async`, within 7 s; the
        routines have been told by then. Tables can be read and written. Raise: falcokit logs it;
        the capture is closed all the same.
        """
