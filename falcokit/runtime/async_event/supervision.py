# SPDX-License-Identifier: Apache-2.0
"""The supervision of one producer: which state it is in, and when it is started again.

    stopped -> running -> ended           it returned, or is not to be started again
                |   ^
                |   +- after `max_pause` without an error
             waiting -> failing           running again, after so many failures in a row
                ^----------+

Nothing is done for an event: what changes a state is a start, an error or an end. Made by `_state`
for each declared producer at init; told by `producers` and `event_loop` what happens.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from falcokit.runtime.base.errors import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from falcokit.runtime.async_event.producers import Producer

__all__ = ["ProducerState", "Supervision", "metric_labels"]

#: In the order of the numbers that the metrics have, PRODUCER_* of async_event/producers.c.
_NAMES: Final = ("running", "failing", "waiting", "ended", "stopped")
_RUNNING, _FAILING, _WAITING, _ENDED, _STOPPED = range(5)
_FIRST_PAUSE: Final = 1.0  # seconds, doubled with each failure in a row


class ProducerState(NamedTuple):
    """The state of a decorated producer, as `handler.producers` and the metrics have it.

    Attributes:
        name: Of the method.
        event: The event it emits.
        state: running; failing: running after `failures` failures in a row; waiting: to be started
            again at `retry_at`; ended: not to be; stopped: no capture is open.
        failures: How many in a row.
        retry_at: Seconds since the epoch, when it is started again; None unless it is waiting.
        error: What it failed of last, with the place; None: nothing yet in this capture.

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
        self._publish = publish  # state, failures of all time, those in a row, until when (ns)
        self.failures = 0
        self._total = 0
        self._error: str | None = None
        self._set(_STOPPED)

    def _set(self, state: int, until: float = 0.0) -> None:
        self._now = (state, self.failures, until)  # read by other threads, all at once
        self._publish(state, self._total, self.failures, round(until * 1e9))

    @property
    def state(self) -> ProducerState:
        """What it is doing at this moment."""
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
        self._well_at = 0.0
        self._set(_RUNNING)

    def again(self) -> None:
        """Note that it is started again."""
        self._well_at = time.monotonic() + self._producer.max_pause
        self._set(_FAILING if self.failures else _RUNNING, self._well_at)

    def well(self) -> None:
        """Note that a call went well, after one that did not."""
        self.failures = 0
        self._set(_RUNNING)

    def failed(self, error: BaseException) -> float | None:
        """Return the seconds until it is started again after an error; None: never."""
        now, limit = time.monotonic(), self._producer.max_pause
        if now >= self._well_at:
            self.failures = 0
        self._count(error)
        if self._producer.restart == "never":
            self._set(_ENDED)
            return None
        pause = min(_FIRST_PAUSE * 2.0 ** min(self.failures - 1, 64), limit)
        self._set(_WAITING, now + pause)
        return pause

    def failed_call(self, error: BaseException) -> bool:
        """Note an error of one of the calls of a plain method; return whether there is a next."""
        self._count(error)
        again = self._producer.restart != "never"
        self._set(_FAILING if again else _ENDED)
        return again

    def _count(self, error: BaseException) -> None:
        self.failures += 1
        self._total += 1
        self._error = brief(error)

    def returned(self) -> float | None:
        """Return the seconds until it is started again after it has returned; None: never."""
        self.failures = 0
        if self._producer.restart != "always":
            self._set(_ENDED)
            return None
        pause = min(_FIRST_PAUSE, self._producer.max_pause)
        self._set(_WAITING, time.monotonic() + pause)
        return pause

    def stopped(self) -> None:
        """Note that the capture is closed."""
        self.failures = 0
        self._set(_STOPPED)


def metric_labels(producers: Sequence[Producer]) -> list[str]:
    """Return the part of each producer's metrics that names it: its event's name, in ASCII.

    Where two would have one name the method's name follows.
    """
    labels = [re.sub(r"[^0-9A-Za-z_]", "_", producer.event) for producer in producers]
    times = Counter(labels)
    return [
        label if times[label] == 1 else f"{label}_{producer.function.__name__}"
        for label, producer in zip(labels, producers, strict=True)
    ]
