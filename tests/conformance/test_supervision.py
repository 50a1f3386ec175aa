# SPDX-License-Identifier: Apache-2.0
"""Producers that end: started again after an error, and their state in log, metrics and handler."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin
from drivers import RunnerDrive, build_error

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Drive

#: Each ends in its own way; `watch` tells their states when all have come as far as they will.
ENDING = plugin("supervision_ending")

#: Events: most of them are those of `watch`.
_ENOUGH = 200


def _states(out: Any) -> dict[str, Any]:
    told = [e.data for e in out.events if e.type == "states"]
    assert told, (Counter(e.type for e in out.events), out.logs)
    found: dict[str, Any] = json.loads(told[-1])
    return found


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_producer_that_fails_is_started_again(drive: Drive, write_plugin: WritePlugin) -> None:
    """A12, B12"""
    author = write_plugin(ENDING)
    out = drive(author, limit=_ENOUGH, seconds=20)
    seen = Counter((e.type, e.data) for e in out.events)
    for name in ("plain", "generator", "coroutine", "async_gen"):
        assert seen[name, b"well"] >= 1, name
    assert seen["generator", b"begun"] >= 4
    assert seen["async_gen", b"begun"] >= 4
    assert seen["exiting", b"begun"] > 1
    assert seen["always", b"again"] > 1
    for name in ("returning", "async_returning", "never"):
        assert seen[name, b"once"] == 1, name
    states = _states(out)
    assert states.pop("wait") <= 2.0 ** (states["slow"][1] - 1)
    assert states["returning"] == states["async_returning"] == ["ended", 0, None]
    error = f"ValueError: never again, at {author.at(chr(34) + 'never again')}"
    assert states["never"] == ["ended", 1, error]
    assert states["plain_never"][:2] == states["async_never"][:2] == ["ended", 1]
    assert states["slow"][0] == "waiting"
    assert states["plain"][:2] == ["running", 0]
    assert states["always"][0] in {"running", "waiting"}


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_the_log_tells_what_ended_and_when_it_starts_again(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """B12"""
    author = write_plugin(ENDING)
    logs = [log.text for log in drive(author, limit=_ENOUGH, seconds=20).logs]

    def once(text: str) -> str:
        found = [log for log in logs if text in log]
        assert len(found) == 1, (text, found)
        return found[0]

    for name in ("returning", "async_returning"):
        assert f"producer of '{name}' has ended: it returned" in once(f"'{name}' has ended")
    assert "ValueError: slow to come back\n  it starts again in 1 s" in once("slow to come back")
    assert "\n  it is not started again" in once("ValueError: never again")
    assert "\n  it is not called again" in once("ValueError: plain never again")
    assert "\n  it is not called again" in once("ValueError: async never again")
    assert "it starts again in 0.002 s" in once("ValueError: generator fails")
    assert "starts again in 0.05 s" in once("SystemExit: away")
    assert "starts again in 0.002 s" in once("CancelledError: by nobody")
    assert "starts again" not in once("ValueError: plain fails")
    assert not [log for log in logs if "'coroutine' has ended" in log]


@pytest.mark.drivers("runner", "plughost")
def test_the_metrics_have_each_state(drive: Drive, write_plugin: WritePlugin) -> None:
    """B9"""
    # The last metrics are those of the open capture in the runner, in plughost too.
    metrics = drive(write_plugin(ENDING), limit=_ENOUGH, seconds=20).metrics
    numbers = {name: metrics[f"producer_{name}_state"] for name in ("plain", "returning", "never")}
    assert numbers == {"plain": 0, "returning": 3, "never": 3}
    assert metrics["producer_plain_failures"] == 3
    assert metrics["producer_plain_failures_in_row"] == 0
    assert metrics["producer_never_failures_in_row"] == 1
    assert metrics["producer_slow_failures"] >= 1
    assert metrics["producer_slow_retry_ms"] <= 16000


WAITING = plugin("supervision_waiting")


@pytest.mark.drivers("in_process", "runner", "plughost")
def test_a_pause_ends_with_the_capture(drive: Drive, write_plugin: WritePlugin) -> None:
    """A12"""
    out = drive(write_plugin(WAITING), limit=100)
    assert not out.error
    assert len(out.said("it starts again in 3600 s")) == 2
    assert not out.said("after it was asked to stop")
    assert not out.said("AssertionError")
    assert out.said("at last {'stopped'}")


def test_a_change_of_state_is_reported_while_events_are(write_plugin: WritePlugin) -> None:
    """B9"""
    out = RunnerDrive()(write_plugin(WAITING), limit=400, seconds=10)
    kinds = [r["report"] for r in out.raw]
    first = next(r for r in out.raw if r["report"] == "metrics")
    assert first["metrics"]["producer_gone_state"] == 2
    assert kinds.index("metrics") < len(kinds) - 1 - kinds[::-1].index("event")
    assert kinds.count("metrics") < 20


@pytest.mark.drivers("in_process", "runner")
def test_who_has_no_producers_has_no_states(drive: Drive, write_plugin: WritePlugin) -> None:
    out = drive(
        write_plugin("""
            class P(Plugin, AsyncEvents):
                async_events = ("one",)
                def start_async(self, handler): handler.emit("one", repr(handler.producers))
        """)
    )
    assert out.data == [b"()"]
    assert not [name for name in out.metrics if name.startswith("producer_")]


def test_what_cannot_be_asked_for_is_refused_with_its_line(write_plugin: WritePlugin) -> None:
    for wrong, text in (
        ('restart="sometimes"', "has a producer with restart='sometimes'"),
        ("max_pause=0", "has a producer with max_pause=0"),
        ("max_pause=float('inf')", "has a producer with max_pause=inf"),
    ):
        author = write_plugin(f"""
            class P(Plugin, AsyncEvents):
                @async_event("one", {wrong})
                def one(self): yield b"x"
        """)
        assert text in build_error(author).message
