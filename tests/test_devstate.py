# SPDX-License-Identifier: Apache-2.0
"""From reports to what the screen of `falcokit dev` shows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from falcokit.cli.dev.figures import count_text, microseconds, sparkline
from falcokit.dev.child import ChildMeter
from falcokit.dev.problems import Place, problem_of_error, problem_of_text
from falcokit.dev.state import DevState

if TYPE_CHECKING:
    from pathlib import Path


def stats(elapsed_ms: float, count: int, data: str = "x", **more: Any) -> dict[str, Any]:
    tick = {"count": count, "bytes": count * 10, "last_ts_ns": 1, "last_data": data}
    return {"report": "stats", "elapsed_ms": elapsed_ms, "async": {"tick": tick}, **more}


def running() -> DevState:
    state = DevState(clock=lambda: 100.0, wall=lambda: 0.0)
    for report in (
        {"report": "building", "changed": []},
        {"report": "build", "ok": True, "ms": 93.0, "compiled": True, "library": "l.so"},
        {"report": "started", "run": 1, "pid": 7, "changed": []},
        {"report": "loaded", "plugin": "ticker", "version": "1.0.0", "async_events": ["tick"]},
        {"report": "open", "source": "syscall", "plugin_id": 0, "cycle": 1},
    ):
        state.apply(report)
    return state


def test_a_declared_event_is_listed_before_it_comes() -> None:
    state = running()
    assert state.events["tick"].count == 0
    assert state.events["tick"].last_at is None


def test_a_bar_is_half_a_second_and_a_rate_two() -> None:
    state = running()
    for step in range(1, 21):
        state.apply(stats(step * 50, step))
    row = state.events["tick"]
    assert row.count == 20
    assert row.rate == pytest.approx(20.0)
    assert row.byte_rate == pytest.approx(200.0)
    assert list(row.history) == [pytest.approx(20.0)] * 2


def test_an_event_each_second_has_a_steady_rate() -> None:
    state = running()
    rates = []
    for step in range(1, 20):
        state.apply(stats(step * 500, 1 + step // 2))
        rates.append(state.events["tick"].rate)
    assert set(rates[5:]) == {1.0}


def test_a_silent_event_falls_to_zero() -> None:
    state = running()
    state.apply(stats(500, 10))
    for elapsed_ms in range(1000, 4000, 500):
        state.apply({"report": "stats", "elapsed_ms": elapsed_ms, "async": {}})
    row = state.events["tick"]
    assert (row.count, row.rate) == (10, 0.0)


def test_a_restart_counts_from_zero() -> None:
    state = running()
    state.apply(stats(500, 10, rejected={"undeclared": 3}))
    state.apply({"report": "started", "run": 2, "pid": 8, "changed": []})
    assert state.events == {}
    assert state.rejected == {}


def test_a_failed_build_is_the_problem_until_a_good_one() -> None:
    state = running()
    error = {"message": "src/t.py:3: invalid syntax", "hint": None, "exit": 4}
    state.apply({"report": "building", "changed": ["/p/src/t.py"]})
    state.apply({"report": "build", "ok": False, "ms": 80, "running": True, "error": error})
    assert state.problem == "src/t.py:3: invalid syntax"
    assert state.status == "running the last good version"
    assert state.reloads[-1].changed == ["t.py"]
    assert state.reloads[-1].problem == "src/t.py:3: invalid syntax"
    state.apply({"report": "build", "ok": True, "ms": 80, "compiled": False, "library": "l"})
    assert state.problem is None


def test_a_crash_is_shown_with_its_status() -> None:
    state = running()
    status = "killed by signal 11 (SIGSEGV)"
    state.apply({"report": "ended", "run": 1, "ok": False, "status": status})
    assert state.problem == "run 1 ended: killed by signal 11 (SIGSEGV)"
    assert state.pid is None


def test_a_plugin_that_failed_shows_its_last_error() -> None:
    state = running()
    state.apply({"report": "error", "phase": "init", "plugin": "t", "rc": 1, "message": "no port"})
    state.apply({"report": "ended", "run": 1, "ok": False, "status": "exit status 1"})
    assert state.problem == "init: no port"
    assert state.reloads[-1].problem == "ended: exit status 1"


def test_an_error_while_closing_is_the_problem() -> None:
    state = running()
    state.apply({"report": "error", "phase": "record", "plugin": None, "message": "no space"})
    state.apply({"report": "closed", "cycle": 0, "reason": "error", "events": 3})
    assert state.problem == "record: no space"


def test_a_sparkline_has_one_bar_for_each_value() -> None:
    assert sparkline([0, 0], 4) == "  ▁▁"
    assert sparkline([1, 4, 8], 3) == "▂▅█"
    assert len(sparkline(range(100), 20)) == 20
    assert sparkline([], 3) == "   "


def figures(label: str, state: int, in_row: int = 0, retry_ms: int = 0) -> dict[str, int]:
    numbers = {"state": state, "failures": 9, "failures_in_row": in_row, "retry_ms": retry_ms}
    return {f"producer_{label}_{what}": number for what, number in numbers.items()}


def test_a_producer_belongs_to_the_event_with_the_longest_name() -> None:
    state = running()
    loaded = {"report": "loaded", "plugin": "t", "async_events": ["tick", "tick-tock", "odd name"]}
    state.apply(loaded)
    told = figures("tick", 0) | figures("tick_tock", 3) | figures("odd_name", 1, 1)
    state.apply({"report": "metrics", "plugin": "t", "metrics": told})
    state.settle()
    rows = {name: row.producer for name, row in state.events.items()}
    assert rows == {"tick": "", "tick-tock": "ended", "odd name": "failed 1 time"}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (figures("tick", 0), ""),
        (figures("tick", 1, 1), "failed 1 time"),
        (figures("tick", 2, 3, 11_800), "failed 3 times, again in 12 s"),
        (figures("tick", 2, 0, 1_000), "returned, again in 1 s"),
        (figures("tick", 3), "ended"),
        (figures("tick", 3, 1), "failed 1 time, ended"),
        (figures("tick", 4), ""),
        (figures("tick_first", 0) | figures("tick_second", 1, 2), "failed 2 times"),
    ],
)
def test_a_row_tells_what_its_producer_does(told: dict[str, int], shown: str) -> None:
    state = running()
    state.apply({"report": "metrics", "plugin": "ticker", "metrics": told})
    state.settle()
    assert state.events["tick"].producer == shown
    assert state.metrics == {}
    assert list(state.events) == ["tick"]


def test_two_producers_of_one_event_are_two() -> None:
    state = running()
    told = figures("tick_first", 0) | figures("tick_second", 1, 2)
    state.apply({"report": "metrics", "plugin": "ticker", "metrics": told})
    state.settle()
    assert [(row.label, row.event, row.problem) for row in state.producers] == [
        ("tick_first", "tick", ""),
        ("tick_second", "tick", "failed 2 times"),
    ]


def test_a_producer_that_fails_is_a_fault_with_the_place_of_its_log_line() -> None:
    state = running()
    said = "producer of 'tick': /p/src/t.py:7: read: OSError: no\n  called at /p/src/t.py:9 in f\n"
    state.apply({"report": "log", "severity": "error", "plugin": "t", "message": said})
    state.apply({"report": "metrics", "plugin": "t", "metrics": figures("tick", 1, 2)})
    state.settle()
    (fault,) = state.faults()
    assert fault.line == "/p/src/t.py:7: producer of tick: failed 2 times"


def test_a_source_s_row_never_has_the_payload_of_an_async_event() -> None:
    state = running()
    state.apply({"report": "open", "source": "gate", "plugin_id": 9, "cycle": 0})
    own = {"number": 1, "code": 322, "name": None, "data": "a guest"}
    events = {"plugin_events": {"count": 1, "bytes": 9}}
    state.apply(stats(50, 0, **events, last=own))
    assert state.events["gate"].last_data == "a guest"
    other = {"number": 2, "code": 402, "name": "tick", "data": "an alarm"}
    state.apply(stats(100, 1, **events, last=other))
    assert state.events["gate"].last_data == "a guest"


def test_the_author_s_metrics_stand_alone() -> None:
    state = running()
    metrics = {"async_emitted": 9, "async_refused": 2, "async_lost": 3, "queue_length": 7}
    metrics |= {f"source_{name}": 1 for name in ("events", "waiting", "dropped_queue_full")}
    state.apply({"report": "metrics", "plugin": "ticker", "metrics": metrics})
    state.apply(stats(500, 1, dropped={"queue full": 12}))
    state.settle()
    assert state.metrics == {"queue_length": 7}
    assert state.source_figures == {"events": 1, "waiting": 1, "dropped_queue_full": 1}
    assert state.refusals() == [
        ("refused", {"before the host": 2}),
        ("dropped", {"lost": 3, "queue full": 12}),
    ]


def test_only_the_last_events_are_kept_and_a_bounded_size() -> None:
    state = running()
    for number in range(2000):
        state.apply({"report": "event", "number": number, "size": 1, "code": 402, "name": "tick"})
    assert [event.number for event in state.seen] == list(range(1500, 2000))
    for number in range(2000, 2100):
        event = {"report": "event", "number": number, "size": 1 << 20, "code": 402, "name": "t"}
        state.apply(event)
    assert len(state.seen) == 8


def test_fields_are_those_of_the_newest_event_that_has_some() -> None:
    state = running()
    state.apply({"report": "event", "number": 5, "code": 322, "fields": {"a.b": 1}})
    state.apply(stats(50, 1, last={"number": 4, "code": 322, "fields": {"a.b": 0}}))
    state.apply(stats(100, 1, last={"number": 6, "code": 402, "name": "tick"}))
    assert (state.fields, state.fields_of) == ({"a.b": 1}, 5)


def test_a_name_is_stale_when_what_came_regularly_stops() -> None:
    state = running()
    now = [0.0]
    state.clock = lambda: now[0]
    for step in range(1, 31):
        now[0] = step / 2
        state.apply(stats(step * 500, step))
    row = state.events["tick"]
    assert not row.is_stale(now[0] + 4.0)
    assert row.is_stale(now[0] + 6.0)


def test_rules_with_errors_are_faults_with_their_places_and_the_others_run_on() -> None:
    state = running()
    state.apply({"report": "rules", "rules": ["Silent"], "errors": [], "warnings": []})
    wrong = {"code": "LOAD_X", "message": "no field", "hint": "of syscall"}
    wrong |= {"file": "/p/r.yaml", "line": 3, "column": 14}
    state.apply({"report": "rules", "rules": [], "errors": [wrong], "warnings": []})
    (fault,) = state.faults()
    assert fault.line == "/p/r.yaml:3:14: no field (of syscall) [LOAD_X]"
    assert state.rules == {"Silent": 0}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/p/src/t.py:3: init: no", Place("/p/src/t.py", 3)),
        ("producer of 'x': src/t.py:31:7: no", Place("src/t.py", 31, 7)),
        ("init: ConnectionError: 10.0.0.1:80 refused", None),
        ("no place at 12:30:01", None),
    ],
)
def test_the_place_of_a_text_is_the_first_file_with_a_line(text: str, place: Place | None) -> None:
    assert problem_of_text(text).place == place


def test_an_error_has_the_place_that_it_is_given() -> None:
    error = {"message": "broken", "file": "/p/t.py", "line": 4, "hint": "mend it"}
    problem = problem_of_error(error)
    assert (problem.line, problem.hint) == ("/p/t.py:4: broken", "mend it")
    for said in ("t.py:4: broken", "/p/t.py:4: broken"):
        assert problem_of_error(error | {"message": said}).line == said


def test_the_cost_of_a_child_is_read_from_the_kernel(tmp_path: Path) -> None:
    now, ticks = [0.0], os.sysconf("SC_CLK_TCK")
    meter = ChildMeter(proc=tmp_path, clock=lambda: now[0])
    (tmp_path / "7").mkdir()

    def write(user: int, system: int) -> None:
        fields = ["S", *["0"] * 10, str(user), str(system), *["0"] * 4, "3", *["0"] * 3, "256", "0"]
        (tmp_path / "7" / "stat").write_text(f"7 (a ) b) {' '.join(fields)}")

    write(0, 0)
    assert meter.look(7) is None, "the first look has nothing to compare with"
    now[0] = 2.0
    write(ticks // 2, ticks // 2)
    cost = meter.look(7)
    assert cost is not None
    assert (cost.cpu_percent, cost.threads) == (50.0, 3)
    assert cost.rss_kb == 256 * os.sysconf("SC_PAGE_SIZE") // 1024
    assert meter.look(8) is None
    assert meter.look(None) is None


def test_figures_are_short() -> None:
    assert [microseconds(n) for n in (7, 41_000, 380, 2_500, 3_000_000)] == [
        "7 µs", "41 ms", "380 µs", "2.5 ms", "3.0 s",
    ]  # fmt: skip
    assert [count_text(n) for n in (0, 9_999_999, 12_345_678_901)] == ["0", "9,999,999", "12,346 M"]
