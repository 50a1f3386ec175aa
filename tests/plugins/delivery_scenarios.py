# SPDX-License-Identifier: Apache-2.0
"""Emits in every way that there is, one for each scenario; its config names which."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from typing import Any

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Capture,
    CaptureClosedError,
    CaptureListening,
    EmitError,
    Event,
    EventParsing,
    EventTooLargeError,
    FieldExtraction,
    FutureTimestampError,
    Metric,
    Plugin,
    field,
)


def producer(function: Any) -> Any:
    """Repeat it on a thread, until the capture closes."""
    function.producer = True
    return function


class P(Plugin, AsyncEvents, EventParsing, FieldExtraction, CaptureListening):
    async_events = ("a", "echo", "state")
    parse_event_types = (402,)
    config: str

    def init(self) -> None:
        self.lock, self.made = threading.Lock(), 0
        self.failed: Counter[str] = Counter()
        self.threads: list[threading.Thread] = []
        self.work = getattr(self, self.config.partition(" ")[0])
        self.count = 0

    def emit(self, name: Any = "a", data: object = b"same", **options: Any) -> None:
        if self.stopping:
            raise InterruptedError
        try:
            self.handler.emit(name, data, **options)
        except EmitError as e:
            with self.lock:
                self.failed[e.reason] += 1
            raise
        with self.lock:
            self.made += 1

    def emit_many(self, payloads: list[bytes]) -> None:
        try:
            made = self.handler.emit_many("a", payloads)
        except EmitError as e:
            with self.lock:
                self.failed[e.reason] += 1
                self.made += e.emitted
            raise
        with self.lock:
            self.made += made

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler, self.stopping = handler, False
        if not hasattr(self.work, "producer"):
            return
        number = int(self.config.partition(" ")[2] or 1)
        self.threads = [threading.Thread(target=self.run) for _ in range(number)]
        for thread in self.threads:
            thread.start()

    def run(self) -> None:
        with contextlib.suppress(CaptureClosedError, InterruptedError):
            self.work()

    def stop_async(self) -> None:
        self.stopping = True  # direct events are taken until the capture is closed
        for thread in self.threads:
            thread.join()

    def destroy(self) -> None:
        told = {**self.handler.counters._asdict(), "made": self.made, "failed": self.failed}
        self.log.info("told %s", json.dumps(told))

    @producer
    def some(self) -> None:
        for _ in range(500):
            self.emit()

    @producer
    def endless(self) -> None:
        while True:
            self.emit()

    @producer
    def large_endless(self) -> None:
        while True:
            self.emit(data=bytes(20_000))

    @producer
    def many(self) -> None:
        for _ in range(20):
            self.emit_many([b"same"] * 100)

    @producer
    def many_and_a_bad_one(self) -> None:
        for good in (0, 1, 200):
            with contextlib.suppress(EventTooLargeError):
                self.emit_many([*[b"same"] * good, bytes(2**26 + 1), b"never"])

    @producer
    def direct(self) -> None:
        for _ in range(1000):
            self.emit(direct=True)

    @producer
    def direct_endless(self) -> None:
        while True:
            self.emit(direct=True)

    @producer
    def mixed(self) -> None:
        for n in range(1000):
            self.emit(direct=n % 3 == 0, ts_ns=1 if n % 5 == 0 else None)

    @producer
    def past(self) -> None:
        for _ in range(1000):
            self.emit(ts_ns=time.time_ns() - 10**9)

    @producer
    def future(self) -> None:
        for n in range(1000):
            self.emit(ts_ns=time.time_ns() + n * 300_000, direct=n % 2 == 0)
            self.emit()

    @producer
    def too_far(self) -> None:
        self.emit()
        for _ in range(50):
            self.emit(ts_ns=time.time_ns() + 9 * 10**9)
        for _ in range(50):
            with contextlib.suppress(FutureTimestampError):
                self.emit(ts_ns=time.time_ns() + 11 * 10**9)

    @producer
    def sizes(self) -> None:
        for size in (0, 7, 8, 9, 2000, 70_000, 70_000, 3_000_000, 2**26 + 1):
            for _ in range(3):
                with contextlib.suppress(EventTooLargeError):
                    self.emit(data=bytes(size))

    @producer
    def wrong(self) -> None:
        for name, data in (("b", b"same"), ("a", object()), ("a", b"same"), (1, b"same")) * 50:
            with contextlib.suppress(EmitError):
                self.emit(name, data)

    @producer
    def then_echo(self) -> None:
        for _ in range(300):
            self.emit()

    def from_metrics(self) -> None: ...
    def from_dump(self) -> None: ...
    def nothing(self) -> None: ...
    def from_field(self) -> None: ...

    def from_routine(self) -> bool:
        self.emit()
        self.count += 1
        return self.count < 300

    def parse_event(self, event: Event) -> None:
        if event.name == "a" and self.config == "then_echo":
            self.emit("echo")

    @field("p.emits", desc="d")
    def emits(self, event: Event) -> int:
        if event.name == "a" and self.config == "from_field":
            self.count += 1
            if self.count < 300:
                self.emit()
        return 1

    def get_metrics(self) -> list[Metric]:
        if self.config == "from_metrics":
            self.emit()
        return []

    def dump_state(self, handler: AsyncEventHandler) -> None:
        handler.emit("state", b"same")

    def capture_open(self, capture: Capture) -> None:
        if self.config == "from_routine":
            capture.subscribe(self.work)
        if self.config in ("from_field", "from_dump"):
            self.emit()

    def capture_close(self, capture: Capture) -> None: ...
