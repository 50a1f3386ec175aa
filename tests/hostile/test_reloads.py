# SPDX-License-Identifier: Apache-2.0
"""A plugin with every capability, which emits from everywhere, loaded again and again."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import RealHost

pytestmark = pytest.mark.python

_EVERYTHING = """
    import gc
    from falcokit import (CaptureListening, FieldExtraction, TableEntry, export_table, field,
        i64, import_table, json_field, u64)
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
        handler = None
        counts = {}
        def say(self, where, event=None):
            if event is not None and event.type == 402: return
            try:
                self.handler.emit("said", {"where": where})
            except Exception as e:
                where = f"{where} {type(e).__name__}"
            if where not in self.counts: self.log.info("said in %s", where)
            self.counts[where] = 1
        def init(self):
            gc.collect()  # cycles of the author's own, such as an exception's traceback
            self.say("init")
        def destroy(self): self.say("destroy")
        def start_async(self, handler):
            self.handler = handler
            self.say("start_async")
        def stop_async(self): self.say("stop_async")
        def dump_state(self, handler): handler.emit("said", b"dumped")
        @async_event("beat", every=0.001)
        def beat(self): return b"beat"
        def open(self, params):
            self.say("open")
            return self.events()
        def events(self):
            try:
                while self.handler is None: yield None  # it runs ahead of start_async
                for n in range(2000):
                    self.say("events")
                    yield {"n": n}
            finally:
                self.say("end of events")
        def close(self, instance): self.say("close")
        def progress(self): return 0.5
        def list_open_params(self): return []
        def event_to_string(self, event):
            self.say("event_to_string")
            return event.data.decode()
        def parse_event(self, event):
            self.say("parse_event", event)
            row = self.rows[event.number % 64] = Row(count=event.number)
            if event.number == 7: threading.Thread(target=self.wrong_thread).start()
        def wrong_thread(self):
            try:
                self.processes.get(1)
            except Exception as e:
                self.log.info("on another thread: %s", type(e).__name__)
        @field("e.n", desc="d")
        def n(self, event) -> int | None:
            self.say("field", event)
            return event.json.get("n") if event.type == 322 else None
        declared = json_field("e.declared", "/n", type=int, desc="d")
        def capture_open(self, capture):
            self.capture = capture
            self.say("capture_open")
            capture.subscribe(self.routine)
        def routine(self):
            self.say("routine")
            try:
                self.processes.get(1)
            except Exception as e:
                self.say(f"table in a routine: {type(e).__name__}")
            return not self.capture.wait(0.01)
        def capture_close(self, capture): self.say("capture_close")
        def set_config(self, config): self.say("set_config")
        def get_metrics(self):
            self.say("get_metrics")
            return [Metric("n", 1)]
"""


def _run(host: RealHost, author: Author, *options: Any) -> dict[str, Any]:
    done = subprocess.run(
        [host.plughost, "sinsp", "--plugin", author.library, "--open", "", "--fields",
         "e.n,e.declared", "--print", "3000", "--format", "*%evt.plugininfo", "--metrics",
         "--set-config", "{}", "--secs", "20", "--log", *map(str, options)],
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.host
def test_emitting_from_every_hook_harms_nobody(
    write_plugin: Callable[..., Author], real_host: RealHost
) -> None:
    report = _run(real_host, write_plugin(_EVERYTHING))
    (cycle,) = report["cycles"]
    assert cycle["end"] == "eof"
    assert cycle["by_type"]["322:pluginevent"]["count"] == 2000
    assert {f["present"] for f in cycle["fields"].values()} == {2000}
    said = {line.partition("said in ")[2] for line in report["log"]}
    for hook in ("start_async", "events", "parse_event", "field", "event_to_string",
                 "capture_open", "routine"):  # fmt: skip
        assert hook in said, (hook, said)
    # There is no capture to emit into yet, or none any more.
    assert {"init AttributeError", "capture_close CaptureClosedError"} <= said
    log = "\n".join(report["log"])
    assert "on another thread: TableError" in log
    assert "table in a routine: TableError" in log


@pytest.mark.host
@pytest.mark.parametrize("how", ["--cycles", "--reload"])
def test_threads_descriptors_and_memory_are_flat(
    write_plugin: Callable[..., Author], real_host: RealHost, how: str
) -> None:
    # A load of which each event left an object behind is seen with 600 too, and is closed early.
    times = ("--cycles", 20) if how == "--cycles" else ("--reload", 100, "--events", 600)
    report = _run(real_host, write_plugin(_EVERYTHING), *times)
    if how == "--cycles":
        assert {c["end"] for c in report["cycles"]} == {"eof"}
        threads = [c["threads_after_close"] for c in report["cycles"]]
        # One may be just about to end, and the keeper of the GIL begins when it is needed.
        assert max(threads) - min(threads) <= 2, threads
        return
    facts = [r["after_unload"] for r in report["reloads"]]
    # One that is just about to end may be counted once or twice.
    counted = [f["threads"] for f in facts]
    threads = [min(counted[at : at + 3]) for at in range(len(counted) - 2)]
    assert threads == sorted(threads), counted
    assert threads[-1] <= threads[0] + 1, counted  # the keeper, once
    assert len({f["fds"] for f in facts}) == 1, facts
    # It swings by 1.5 MB; 25 KB that each load left behind would be more than that.
    assert facts[-1]["rss_kb"] < facts[2]["rss_kb"] + 2500, facts
