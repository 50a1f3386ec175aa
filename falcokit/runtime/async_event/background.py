# SPDX-License-Identifier: Apache-2.0
"""BackgroundTask: a thread that can be stopped while it waits, for work that plugins start."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

from falcokit.runtime.base.errors import CaptureClosedError, WorkCancelledError
from falcokit.runtime.base.logs import current, log_error
from falcokit.runtime.base.stack import OwnThread

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CLOSING_SECONDS", "LOOK_SECONDS", "BackgroundTask"]

CLOSING_SECONDS = 0.25  # from the first refusal to stop_async
LOOK_SECONDS = 1.0  # after which a producer notices that the config has another interval


class BackgroundTask:
    """Work on its own thread that can be asked to stop.

    Either `spawn` one that calls a function at an interval, or create one and check
    `should_keep_running` in your own loop. A task may be started again after `stop`.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    @classmethod
    def spawn(
        cls, run: Callable[[], object], *, every: float, name: str = "falcokit-task"
    ) -> BackgroundTask:
        """Call `run` every `every` seconds, the first time after one interval.

        An exception in `run` ends the task: it is logged at once, and `stop` raises it.
        """
        task = cls()
        task.start(lambda: task._repeat(run, every), name=name)
        return task

    def start(self, run: Callable[[], object], *, name: str = "falcokit-task") -> None:
        """Run `run` once on a thread; it checks `should_keep_running` to know when to end.

        An exception is logged at once, and `stop` raises it.
        """
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("the task is running already")
        self._stop.clear()
        self._error = None
        # A new thread does not inherit the context, by which the log finds the plugin.
        context = contextvars.copy_context()
        self._thread = OwnThread(
            target=context.run, args=(self._guard, run), name=name, daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None  # it did not start, so `stop` must not wait for it
            raise

    @property
    def thread(self) -> threading.Thread | None:
        """The thread it runs on, from `start` to `stop`."""
        return self._thread

    def _repeat(self, run: Callable[[], object], every: float) -> None:
        while self.should_keep_running(every):
            run()

    def _guard(self, run: Callable[[], object]) -> None:
        try:
            run()
        except BaseException as e:  # noqa: BLE001  # logged here, and raised again by `stop`
            if isinstance(e, WorkCancelledError):
                return
            if isinstance(e, CaptureClosedError) and self.closes():
                return
            self._error = e
            log_error(e, f"background task {threading.current_thread().name!r}")

    def closes(self) -> bool:
        """Return whether a CaptureClosedError is due to the end of the task's own capture.

        Emissions are refused shortly before the task is asked to end. With the handler of an
        earlier capture they are always refused, and that is an error.
        """
        if not self.should_keep_running(CLOSING_SECONDS):
            return True
        return not getattr(current.get(), "capturing", False)

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to end."""
        return self._stop.is_set()

    def should_keep_running(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; True when they passed without a request to stop."""
        return not self._stop.wait(timeout)

    def request_stop(self) -> None:
        """Ask the work to end, waking it from its wait; does not wait itself."""
        self._stop.set()

    def stop(self, timeout: float | None = None) -> None:
        """Ask the work to end and wait until it has.

        Called from the work itself it only asks, since a thread cannot wait for its own end.

        Raises:
            TimeoutError: it is still running after `timeout` seconds.
            BaseException: the exception that ended the work earlier.

        """
        self.request_stop()
        if self._thread is threading.current_thread():
            return
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(timeout)
            if thread.is_alive():
                self._thread = thread
                raise TimeoutError(f"background task {thread.name!r} did not end in {timeout} s")
        error, self._error = self._error, None
        if error is not None:
            raise error
