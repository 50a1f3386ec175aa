# SPDX-License-Identifier: Apache-2.0
"""BackgroundTask: a thread with a stop that wakes it, for plugins that start their own work."""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

from falcokit.runtime.base.errors import CaptureClosedError
from falcokit.runtime.base.logs import current, log_error
from falcokit.runtime.base.stack import OwnThread

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CLOSING_SECONDS", "BackgroundTask"]

CLOSING_SECONDS = 0.25  # from the first refusal to stop_async


class BackgroundTask:
    """Work on a thread of its own that stops when asked.

    Either `spawn` one that calls a function at an interval, or make one and ask
    `should_keep_running` in a loop of your own. One task may be started again after `stop`.
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
        """Run `run` once on a thread; it asks `should_keep_running` when to end.

        An exception is logged at once, and `stop` raises it.
        """
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError("the task is running already")
        self._stop.clear()
        self._error = None
        # A thread inherits no context by itself; it tells the log which plugin speaks.
        context = contextvars.copy_context()
        self._thread = OwnThread(
            target=context.run, args=(self._guard, run), name=name, daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None  # nobody can wait for a thread that there is not
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
        except BaseException as e:  # noqa: BLE001  # handed to whoever stops the task, too
            if isinstance(e, CaptureClosedError) and self.closes():
                return
            self._error = e
            log_error(e, f"background task {threading.current_thread().name!r}")

    def closes(self) -> bool:
        """Tell whether a CaptureClosedError is the end of the capture the task belongs to.

        Emissions are refused a moment before the task is told to end. With the handler of an
        earlier capture they always are, and that is an error.
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

        Within the work itself it only asks, since nobody can wait for his own end.

        Raises:
            TimeoutError: it still runs after `timeout` seconds.
            BaseException: what ended the work before.

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
