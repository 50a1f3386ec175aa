# SPDX-License-Identifier: Apache-2.0
"""One producer: its state, when it is restarted, and how its values and errors are passed on.

    stopped -> running -> ended           it returned, or is never restarted
                |   ^
                |   +- after `max_pause` without an error
             waiting -> failing           running again, after consecutive failures
                ^----------+

Only a start, an error or an end changes the state, so emitting an event costs nothing here. It is
updated on the producer's thread; any thread may read the state.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from falcokit.runtime.base.errors import CaptureClosedError, EmitError, brief, format_error
from falcokit.runtime.event.event import AsyncEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from falcokit.runtime.async_event.capability import AsyncEventHandler
    from falcokit.runtime.async_event.producers import Producer
    from falcokit.runtime.host.plugin_state import PluginState

__all__ = ["Emission", "ProducerState", "Supervision", "metric_labels"]

#: In the order of their numbers in the metrics, PRODUCER_* of async_event/producers.c.
_NAMES: Final = ("running", "failing", "waiting", "ended", "stopped")
_RUNNING, _FAILING, _WAITING, _ENDED, _STOPPED = range(5)
_FIRST_PAUSE: Final = 1.0  # seconds, doubled with each consecutive failure


class ProducerState(NamedTuple):
    """The state of a decorated producer, as `handler.producers` and the metrics show it.

    Attributes:
        name: Name of the method.
        event: The event it emits.
        state: running; failing: running after `failures` consecutive failures; waiting: restarts
            at `retry_at`; ended: never restarts; stopped: no capture is open.
        failures: Number of consecutive failures.
        retry_at: Time of the restart in seconds since the epoch; None unless it is waiting.
        error: Its last error, with the place; None: no error in this capture.

    """

    name: str
    event: str
    state: Literal["running", "failing", "waiting", "ended", "stopped"]
    failures: int
    retry_at: float | None
    error: str | None


class Supervision:
    """The state of one producer, from init to destroy."""

    def __init__(self, producer: Producer, publish: Callable[[int, int, int, int], None]) -> None:
        self._producer = producer
        self._publish = publish  # state, total failures, consecutive failures, until when (ns)
        self.failures = 0
        self._total = 0
        self._error: str | None = None
        self._set(_STOPPED)

    def _set(self, state: int, until: float = 0.0) -> None:
        self._now = (state, self.failures, until)  # one object: other threads read it atomically
        self._publish(state, self._total, self.failures, round(until * 1e9))

    @property
    def state(self) -> ProducerState:
        """Its current state."""
        (state, failures, until), now = self._now, time.monotonic()
        if state == _FAILING and until and now >= until:
            state, failures = _RUNNING, 0
        retry = time.time() + until - now if state == _WAITING else None
        producer = self._producer
        name: str = producer.function.__name__
        return ProducerState(name, producer.event, _NAMES[state], failures, retry, self._error)

    def begin(self) -> None:
        """Note that a capture begins."""
        self.failures, self._error = 0, None
        self._healthy_at = 0.0
        self._set(_RUNNING)

    def restarted(self) -> None:
        """Note that the producer has been restarted."""
        self._healthy_at = time.monotonic() + self._producer.max_pause
        self._set(_FAILING if self.failures else _RUNNING, self._healthy_at)

    def succeeded(self) -> None:
        """Note that a call succeeded after one that failed."""
        self.failures = 0
        self._set(_RUNNING)

    def failed(self, error: BaseException) -> float | None:
        """Return the seconds until it is restarted after an error; None: never."""
        now, limit = time.monotonic(), self._producer.max_pause
        if now >= self._healthy_at:
            self.failures = 0
        self._count(error)
        if self._producer.restart == "never":
            self._set(_ENDED)
            return None
        pause = min(_FIRST_PAUSE * 2.0 ** min(self.failures - 1, 64), limit)
        self._set(_WAITING, now + pause)
        return pause

    def failed_call(self, error: BaseException) -> bool:
        """Count a failed call of a plain method; return whether it is called again."""
        self._count(error)
        restarts = self._producer.restart != "never"
        self._set(_FAILING if restarts else _ENDED)
        return restarts

    def _count(self, error: BaseException) -> None:
        self.failures += 1
        self._total += 1
        self._error = brief(error)

    def returned(self) -> float | None:
        """Return the seconds until it is restarted after it has returned; None: never."""
        self.failures = 0
        if self._producer.restart != "always":
            self._set(_ENDED)
            return None
        pause = min(_FIRST_PAUSE, self._producer.max_pause)
        self._set(_WAITING, time.monotonic() + pause)
        return pause

    def stopped(self) -> None:
        """Note that the capture has been closed."""
        self.failures = 0
        self._set(_STOPPED)


def metric_labels(producers: Sequence[Producer]) -> list[str]:
    """Return the part of each producer's metric names that identifies it: its event, in ASCII.

    If two producers share it, the method's name follows.
    """
    labels = [re.sub(r"[^0-9A-Za-z_]", "_", producer.event) for producer in producers]
    times = Counter(labels)
    return [
        label if times[label] == 1 else f"{label}_{producer.function.__name__}"
        for label, producer in zip(labels, producers, strict=True)
    ]


_NOTICE: Final = 5


def _a(kind: type) -> str:
    """Return what a type is called, with its article."""
    name = kind.__name__.replace("_", " ")
    return f"an {name}" if name[:1] in "aeiou" else f"a {name}"


class Emission:
    """Emits one producer's values and logs its errors, each of them at most once a minute.

    Used on the producer's own thread.
    """

    def __init__(self, producer: Producer, handler: AsyncEventHandler, state: PluginState) -> None:
        self._producer = producer
        self._handler = handler
        self._state = state

    def several(self, value: Any) -> Iterable[Any]:
        """Return the values of the events that one value of the producer stands for.

        Raises:
            TypeError: it is work that nobody awaits.

        """
        kind = type(value)
        if isinstance(value, list) or kind is tuple:  # a named tuple is one object
            return value  # type: ignore[no-any-return]
        if hasattr(kind, "__next__"):
            return self._drawn(value)
        if hasattr(kind, "__await__") or hasattr(kind, "__anext__"):
            getattr(value, "close", lambda: None)()  # or Python would warn of it as well
            what = f"its value is {_a(kind)}, and no event"
            if self._producer.is_async:
                raise TypeError(f"{what}: await it")
            raise TypeError(f"{what}: a producer that awaits is an async def")
        return (value,)

    def _drawn(self, values: Iterator[Any]) -> Iterator[Any]:
        try:
            for value in values:
                yield value
                if not self.capturing:
                    return
        finally:
            getattr(values, "close", lambda: None)()

    def send(self, value: Any, steps: Any = None) -> None:
        """Emit one value; CaptureClosedError passes through and ends the producer.

        `steps` is the generator that has yielded it.
        """
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
            self.report(e, steps=steps)

    def report(self, error: BaseException, then: str = "", steps: Any = None) -> None:
        """Log an error of the producer and its consequence; once a minute for one line of code."""
        what = f"producer of {self._producer.event!r}"
        if self._state.is_news(error, what):
            # An emission fails between two steps, at a yield; or after the producer has returned,
            # for which its first line stands.
            frame = getattr(steps, "gi_frame", None) or getattr(steps, "ag_frame", None)
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else self._place
            self._state.write_failure(error, format_error(error, what, place) + then)

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
