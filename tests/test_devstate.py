# SPDX-License-Identifier: Apache-2.0
"""From reports to what the live screen shows, and how it shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from falcokit.cli.console import printable
from falcokit.cli.dev.view import DevView, sparkline
from falcokit.dev.state import DevState
from falcokit.project.settings import Project

PROJECT = Project(root=Path("/p"), plugin="t:T", source_dir=Path("/p/src"))


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


def screen(state: DevState, width: int = 120, height: int = 30) -> str:
    console = Console(width=width, height=height, color_system=None, force_terminal=False)
    view = DevView(state, PROJECT, watch=True, console=console)
    with console.capture() as capture:
        console.print(view.render())
    return capture.get()


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
    text = screen(state)
    assert "src/t.py:3: invalid syntax" in text
    assert "t.py: build 80 ms, src/t.py:3: invalid" in text
    state.apply({"report": "build", "ok": True, "ms": 80, "compiled": False, "library": "l"})
    assert state.problem is None


def test_a_crash_is_shown_with_its_status() -> None:
    state = running()
    status = "killed by signal 11 (SIGSEGV)"
    state.apply({"report": "ended", "run": 1, "ok": False, "status": status})
    assert "run 1 ended: killed by signal 11 (SIGSEGV)" in screen(state)


def test_a_plugin_that_failed_shows_its_last_error() -> None:
    state = running()
    state.apply({"report": "error", "phase": "init", "plugin": "t", "rc": 1, "message": "no port"})
    state.apply({"report": "ended", "run": 1, "ok": False, "status": "exit status 1"})
    assert state.problem == "init: no port"
    assert "start: build 93 ms (compiled), ended: exit status 1" in screen(state)


def test_an_error_while_closing_is_the_problem() -> None:
    state = running()
    state.apply({"report": "error", "phase": "record", "plugin": None, "message": "no space"})
    state.apply({"report": "closed", "cycle": 0, "reason": "error", "events": 3})
    assert state.problem == "record: no space"


def test_the_screen_shows_everything_a_person_asks_for() -> None:
    state = running()
    for step in (500, 1000):
        more = {"rejected": {"undeclared": 3}, "dropped": {"queue full": 12}, "rss_kb": 14336}
        state.apply(stats(step, step // 50, '{"n": 1}', **more))
    state.apply({"report": "reload", "run": 1, "ms": 212.4, "changed": []})
    log = {"report": "log", "severity": "warning", "plugin": "ticker", "message": "low on disk"}
    state.apply(log)
    text = screen(state)
    for part in (
        "ticker 1.0.0",
        "running",
        "source syscall",
        "rss 14.0 MB",
        "tick",
        "20.0",
        "200",
        '{"n": 1}',
        "refused: undeclared 3",
        "dropped: queue full 12",
        "warning  low on disk",
        "start: build 93 ms (compiled), first event after 212 ms",
        "ctrl-c or q stop",
        "watching src/",
    ):
        assert part in text


def test_the_plugin_s_metrics_and_what_its_own_side_refused_are_shown() -> None:
    state = running()
    metrics = {"async_emitted": 9, "async_refused": 2, "async_lost": 3, "queue_length": 7}
    state.apply({"report": "metrics", "plugin": "ticker", "metrics": metrics})
    state.apply(stats(500, 1, dropped={"queue full": 12}))
    text = screen(state)
    assert "metrics: queue_length 7" in text
    assert "refused: before the host 2" in text
    assert "dropped: lost 3, queue full 12" in text


def test_a_payload_cannot_write_to_the_terminal() -> None:
    state = running()
    evil = "\x1b[2J\x07[red]bold[/red]\x9b31m\u202eabc\r\n\ttail"
    state.apply(stats(500, 1, evil))
    log = {"report": "log", "severity": "info", "plugin": "t", "message": "\x1b]0;title\x07[b]x"}
    state.apply(log)
    text = screen(state, width=160)
    assert not any(c in text for c in "\x1b\x07\x9b\u202e\r\t")
    assert r"\x1b[2J\x07[red]bold[/red]\x9b31m\u202eabc\r\n\ttail" in text
    assert r"\x1b]0;title\x07[b]x" in text


def test_more_events_than_lines_leave_room_for_the_rest() -> None:
    state = running()
    names = {f"event_{n}": {"count": n, "bytes": n} for n in range(100)}
    state.apply({"report": "stats", "elapsed_ms": 500, "async": names})
    lines = screen(state, 80, 24).splitlines()
    assert len(lines) == 24
    assert any("and " in line and "more" in line for line in lines)
    assert lines[-1].startswith("ctrl-c or q")


def test_a_long_problem_is_wrapped_and_names_the_project_s_files_shortly() -> None:
    state = running()
    error = {"message": "/p/src/t.py:3: " + "word " * 60, "hint": None, "exit": 4}
    state.apply({"report": "build", "ok": False, "ms": 80, "running": True, "error": error})
    text = screen(state, 80, 24)
    assert "\nsrc/t.py:3: word" in text
    assert text.count("word") >= 60
    assert len(text.splitlines()) == 24


def test_a_narrow_screen_leaves_out_the_bars_and_keeps_the_figures() -> None:
    state = running()
    state.apply(stats(1000, 1234))
    head, row = screen(state, 40, 10).splitlines()[1:3]
    assert head.split()[:5] == ["event", "count", "rate/s", "age", "last"]
    assert row.split()[:3] == ["tick", "1,234", "1,234.0"]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (200, 60), (20, 5)])
def test_the_screen_fits_every_terminal(width: int, height: int) -> None:
    state = running()
    state.apply(stats(500, 10, "日本語 " * 50))
    for number in range(100):
        message = f"line {number} " * 20
        state.apply({"report": "log", "severity": "info", "plugin": "t", "message": message})
    lines = screen(state, width, height).splitlines()
    if height >= 10:
        assert len(lines) <= height
    assert any("line 99" in line for line in lines) or height < 10


def test_a_sparkline_has_one_bar_for_each_value() -> None:
    assert sparkline([0, 0], 4) == "  ▁▁"
    assert sparkline([1, 4, 8], 3) == "▂▅█"
    assert len(sparkline(range(100), 20)) == 20
    assert sparkline([], 3) == "   "


def test_text_is_cut_only_where_it_is_too_long() -> None:
    assert printable("abc", 3) == "abc"
    assert printable("abcd", 3) == "ab…"
    assert printable("\n" * 10, 5) == "\\n\\n…"


def test_a_log_message_of_several_lines_has_as_many() -> None:
    state = running()
    message = "/p/src/t.py:3: init: ValueError: no\n  called at /p/src/t.py:9 in init\n"
    state.apply({"report": "log", "severity": "error", "plugin": "t", "message": message})
    lines = screen(state, 80, 24).splitlines()
    at = next(
        i for i, line in enumerate(lines) if line.endswith("src/t.py:3: init: ValueError: no")
    )
    assert lines[at].split()[1] == "error"
    assert lines[at + 1] == " " * 20 + "called at src/t.py:9 in init"
    assert len(lines) == 24


def figures(label: str, state: int, in_row: int = 0, retry_ms: int = 0) -> dict[str, int]:
    numbers = {"state": state, "failures": 9, "failures_in_row": in_row, "retry_ms": retry_ms}
    return {f"producer_{label}_{what}": number for what, number in numbers.items()}


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (figures("tick", 0), "x"),
        (figures("tick", 1, 1), "failed 1 time · x"),
        (figures("tick", 2, 3, 11_800), "failed 3 times, again in 12 s · x"),
        (figures("tick", 2, 0, 1_000), "returned, again in 1 s · x"),
        (figures("tick", 3), "ended · x"),
        (figures("tick", 3, 1), "failed 1 time, ended · x"),
        (figures("tick", 4), "x"),
        (figures("tick_first", 0) | figures("tick_second", 1, 2), "failed 2 times · x"),
    ],
)
def test_a_row_tells_what_its_producer_does(told: dict[str, int], shown: str) -> None:
    state = running()
    state.apply(stats(500, 10))
    state.apply({"report": "metrics", "plugin": "ticker", "metrics": told})
    (row,) = [line for line in screen(state, 120, 24).splitlines() if line.startswith("tick ")]
    assert row.rstrip().endswith(f" {shown}")
    assert "producer_" not in screen(state)
    assert list(state.events) == ["tick"]


def test_a_producer_belongs_to_the_event_with_the_longest_name() -> None:
    state = running()
    loaded = {"report": "loaded", "plugin": "t", "async_events": ["tick", "tick-tock", "odd name"]}
    state.apply(loaded)
    told = figures("tick", 0) | figures("tick_tock", 3) | figures("odd_name", 1, 1)
    state.apply({"report": "metrics", "plugin": "t", "metrics": told})
    rows = {name: row.producer for name, row in state.events.items()}
    assert rows == {"tick": "", "tick-tock": "ended", "odd name": "failed 1 time"}


def test_rules_are_shown_with_what_is_wrong_and_why_one_is_silent() -> None:
    state = running()
    state.apply({"report": "rules", "rules": ["Silent"], "errors": [], "warnings": []})
    state.apply({"report": "explanations", "rules": {"Silent": "no event came\nand: 0 of 0"}})
    assert "Silent never fired: no event came" in screen(state)
    assert "  and: 0 of 0" in screen(state)
    wrong = {"code": "LOAD_X", "message": "no field", "hint": "of syscall"}
    wrong |= {"file": "/p/r.yaml", "line": 3, "column": 14}
    state.apply({"report": "rules", "rules": [], "errors": [wrong], "warnings": []})
    shown = screen(state)
    assert "r.yaml:3:14: no field (of syscall) [LOAD_X]" in shown
    assert "Silent 0" in shown, "the rules before run on"
