# SPDX-License-Identifier: Apache-2.0
"""Has every capability, and emits from each of its hooks."""

from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from falcokit import (
    AsyncEventHandler,
    AsyncEvents,
    Capture,
    CaptureListening,
    Event,
    EventParsing,
    EventSource,
    FieldExtraction,
    Metric,
    Plugin,
    TableEntry,
    async_event,
    export_table,
    field,
    i64,
    import_table,
    json_field,
    u64,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Row(TableEntry):
    count: u64


class Process(TableEntry):
    comm: str


class P(Plugin, EventSource, FieldExtraction, EventParsing, AsyncEvents, CaptureListening):
    plugin_id = 999
    event_source = "everything"
    async_events = ("said", "beat")
    parse_event_types = (322, 402)
    rows = export_table("rows", u64, Row)
    processes = import_table("threads", i64, Process)
    handler: Any = None
    counts: ClassVar[dict[str, int]] = {}

    def say(self, where: str, event: Event | None = None) -> None:
        if event is not None and event.type == 402:
            return
        try:
            self.handler.emit("said", {"where": where})
        except Exception as e:
            where = f"{where} {type(e).__name__}"
        if where not in self.counts:
            self.log.info("said in %s", where)
        self.counts[where] = 1

    def init(self) -> None:
        gc.collect()  # cycles of the author's own, such as an exception's traceback
        self.say("init")

    def destroy(self) -> None:
        self.say("destroy")

    def start_async(self, handler: AsyncEventHandler) -> None:
        self.handler = handler
        self.say("start_async")

    def stop_async(self) -> None:
        self.say("stop_async")

    def dump_state(self, handler: AsyncEventHandler) -> None:
        handler.emit("said", b"dumped")

    @async_event("beat", every=0.001)
    def beat(self) -> bytes:
        return b"beat"

    def open(self, params: str) -> object:
        self.say("open")
        return self.events()

    def events(self) -> Iterator[dict[str, object] | None]:
        try:
            while self.handler is None:
                yield None  # it runs ahead of start_async
            for n in range(2000):
                self.say("events")
                yield {"n": n}
        finally:
            self.say("end of events")

    def close(self, instance: object) -> None:
        self.say("close")

    def progress(self) -> float:
        return 0.5

    def list_open_params(self) -> list[str]:
        return []

    def event_to_string(self, event: Event) -> str:
        self.say("event_to_string")
        return event.data.decode()

    def parse_event(self, event: Event) -> None:
        self.say("parse_event", event)
        self.rows[event.number % 64] = Row(count=event.number)
        if event.number == 7:
            threading.Thread(target=self.wrong_thread).start()

    def wrong_thread(self) -> None:
        try:
            self.processes.get(1)
        except Exception as e:
            self.log.info("on another thread: %s", type(e).__name__)

    @field("e.n", desc="d")
    def n(self, event: Event) -> int | None:
        self.say("field", event)
        return event.json.get("n") if event.type == 322 else None

    declared = json_field("e.declared", "/n", type=int, desc="d")

    def capture_open(self, capture: Capture) -> None:
        self.capture = capture
        self.say("capture_open")
        capture.subscribe(self.routine)

    def routine(self) -> bool:
        self.say("routine")
        try:
            self.processes.get(1)
        except Exception as e:
            self.say(f"table in a routine: {type(e).__name__}")
        return not self.capture.wait(0.01)

    def capture_close(self, capture: Capture) -> None:
        self.say("capture_close")

    def set_config(self, config: object) -> None:
        self.say("set_config")

    def get_metrics(self) -> list[Metric]:
        self.say("get_metrics")
        return [Metric("n", 1)]
