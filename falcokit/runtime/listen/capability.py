# SPDX-License-Identifier: Apache-2.0
"""CaptureListening: the capability of being notified when a capture opens and closes; routines.

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

A routine is a function that the framework calls repeatedly on the threads of its pool, which the
plugins of a capture share; if the host has no pool, falcokit gives each routine its own thread.
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
    """A function that a capture calls repeatedly; `Capture.subscribe` returns it."""

    def __init__(self, function: Callable[[], bool | None], routines: Routines) -> None:
        self._function = function
        # A weak reference: a routine kept by the author would else form a cycle with the plugin.
        self._routines = weakref.ref(routines)

    def unsubscribe(self) -> None:
        """Stop calling the function.

        It does not wait: a running call continues. Any thread may call this at any time, including
        the routine itself.
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
        """Whether the capture is being closed: routines must then return, since Falco waits."""
        return self._closing.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait this long, or until the capture is being closed; return whether it is.

        Routines use it for their pauses; with `time.sleep` Falco's close would have to wait.
        """
        return self._closing.wait(seconds)

    def subscribe(self, function: Callable[[], bool | None]) -> Routine:
        """Call a function repeatedly, without a pause in between.

        It is called without arguments, after `capture_open` has returned, on a thread of the host's
        pool, never concurrently with itself, until it returns False, raises (falcokit logs it), is
        unsubscribed, or the capture closes. It cannot use tables. When the capture closes it has
        2 s to return; then SystemExit is raised in it.

        Raises:
            TypeError: it is not callable.
            RuntimeError: not within `capture_open`, or the capture has 64 routines already.

        """
        routines = self._routines()
        if routines is None:
            raise RuntimeError("routines can only be subscribed in capture_open")
        return routines.begin(function)


class CaptureListening:
    """Mixin: the plugin is notified when a capture opens and when it closes.

    Falco refuses a plugin that has only this capability: add an event source, fields, async events
    or event parsing.
    """

    def capture_open(self, capture: Capture) -> None:
        """Prepare for the events of a capture, and subscribe routines.

        Required: no. Called: when a capture opens, live or a file, after `start_async`, within
        30 s. Tables can be read and written. Raise: the capture does not open.
        """

    def capture_close(self, capture: Capture) -> None:
        """Release what `capture_open` acquired.

        Required: no. Called: when the capture closes, after `stop_async`, within 7 s; routines
        have been asked to return before. Tables can be read and written. Raise: falcokit logs it;
        the capture closes anyway.
        """
