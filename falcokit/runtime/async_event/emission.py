# SPDX-License-Identifier: Apache-2.0
"""Emits the values of one producer through the handler of its capture, and logs its errors.

Used on the producer's own thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from falcokit.runtime.base.errors import CaptureClosedError, EmitError, format_error
from falcokit.runtime.event.event import AsyncEvent

if TYPE_CHECKING:
    from falcokit.runtime.async_event.capability import AsyncEventHandler
    from falcokit.runtime.async_event.producers import Producer
    from falcokit.runtime.async_event.supervision import Supervision
    from falcokit.runtime.host.plugin_state import PluginState

__all__ = ["Emission"]

_NOTICE: Final = 5


class Emission:
    """Emits one producer's values and logs its errors, each of them at most once a minute."""

    def __init__(self, producer: Producer, handler: AsyncEventHandler, state: PluginState) -> None:
        self._producer = producer
        self._handler = handler
        self._state = state

    def send(self, value: Any) -> None:
        """Emit one value; CaptureClosedError passes through and ends the producer."""
        if value is None:
            return
        try:
            if isinstance(value, AsyncEvent):
                self._handler.emit(value)
            else:
                self._handler.emit(self._producer.event, value)
        except CaptureClosedError:
            raise
        except EmitError as e:
            self.report(e)

    def report(self, error: BaseException, then: str = "") -> None:
        """Log an error of the producer and its consequence; once a minute for one line of code."""
        what = f"producer of {self._producer.event!r}"
        if self._state.is_news(error, what):
            # An emission fails after the producer has returned: show its first line.
            text = format_error(error, what, self._place) + then
            self._state.write_failure(error, text)

    def report_failure(self, error: BaseException, supervision: Supervision) -> float | None:
        """Log the error that ended the producer; return when to restart it, None: never."""
        pause = supervision.failed(error)
        count = supervision.failures
        times = f", after {count} failures in a row" if count > 1 else ""
        again = "is not started again" if pause is None else f"starts again in {pause:g} s{times}"
        self.report(error, f"\n  it {again}")
        return pause

    def report_end(self, supervision: Supervision) -> float | None:
        """Log that the producer has returned; return when to restart it, None: never."""
        pause = supervision.returned()
        if pause is None and self._producer.yields:  # a coroutine without an interval runs once
            text = f"{self._place}: producer of {self._producer.event!r} has ended: it returned"
            self._state.write_log(_NOTICE, None, text)
        return pause

    @property
    def capturing(self) -> bool:
        """Whether a capture is open, possibly a later one."""
        return self._state.capturing

    @property
    def _place(self) -> str:
        code = self._producer.function.__code__
        return f"{code.co_filename}:{code.co_firstlineno}"
