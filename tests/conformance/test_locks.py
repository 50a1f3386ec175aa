# SPDX-License-Identifier: Apache-2.0
"""A producer that holds a lock while it waits for room, and a hook of Falco's that wants it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

from falcokit.capture import open_capture
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Call, WritePlugin
    from drivers import Plughost

EMITTING = plugin("locks_emitting")
_HELD = r"nothing is taken from it: Falco has waited [\d.]+ s for"


def _run(plughost: Plughost, author: Any, config: str, *options: Any) -> dict[str, Any]:
    """Run it; plughost would say so if it were stuck. Everything that was emitted is delivered."""
    answer = plughost.raw(
        "--plugin", author.library, "--init", config, "--pump", 0, "--secs", 3, "--metrics",
        "--log", "--watchdog", 20, *options,
    )  # fmt: skip
    assert "error" not in answer, answer
    metrics = answer["cycles"][0]["metrics"]["hasty"]
    assert metrics["hasty.async_delivered"] == metrics["hasty.async_emitted"] > 500
    assert metrics["hasty.async_refused"] == 1
    assert metrics["hasty.async_lost"] == metrics["hasty.async_unconfirmed"] == 0
    return answer


@pytest.mark.host
@pytest.mark.once
@pytest.mark.parametrize("how", ["emit", "emit_many", "two locks"])
def test_emit_lets_go_when_a_hook_holds_falco_up(
    plughost: Plughost, hasty: WritePlugin, how: str
) -> None:
    """A8"""
    author = hasty(EMITTING)
    said = "\n".join(_run(plughost, author, how)["log"])
    line = author.at("handler.emit_many(" if how == "emit_many" else 'self.handler.emit("')
    told = f"{re.escape(line)}: producer of 'first': RingFullError: the ring of plugin 'hasty'"
    held = f"{told} is full, and {_HELD} the code of plugin 'hasty'; if that code waits"
    assert re.search(held, said), said
    assert f"its code is at {author.at('else self.lock:')} in parse_event" in said


@pytest.mark.host
@pytest.mark.once
def test_emit_lets_go_when_dump_state_waits(
    plughost: Plughost, hasty: WritePlugin, tmp_path: Path
) -> None:
    """A8, A9"""
    author, file = hasty(EMITTING), tmp_path / "out.scap"
    said = "\n".join(_run(plughost, author, "dump state waits", "--write", file)["log"])
    assert re.search(f"RingFullError: .*{_HELD} dump_state of plugin 'hasty'", said), said
    with open_capture(file) as capture:
        assert [e.data for e in capture if e.async_name == "state"] == [b"whole"]


PUTTING = plugin("locks_putting")


@pytest.mark.host
@pytest.mark.once
@pytest.mark.parametrize("how", ["put", "put_many", "generator", "asynchronous"])
def test_put_lets_go_when_a_hook_holds_falco_up(
    plughost: Plughost, hasty: WritePlugin, how: str
) -> None:
    """A8, S2"""
    answer = plughost.raw(
        "--plugin", hasty(PUTTING).library, "--open", how, "--fields", "hasty.x", "--secs", 15,
        "--metrics", "--log", "--watchdog", 20,
    )  # fmt: skip
    (cycle,) = answer["cycles"]
    assert cycle["end"] == "eof"
    said = "\n".join(answer["log"])
    full = f"let go: the queue is full, and {_HELD} the code of plugin 'hasty'; if that code"
    assert re.search(full, said), said
    # What was put before it is delivered, and all but the first have the field.
    count = cycle["metrics"]["hasty"]["hasty.source_events"]
    assert cycle["by_type"]["322:pluginevent"]["count"] == count >= 100
    assert cycle["fields"]["hasty.x"]["present"] >= count - 3


TIMED = plugin("emit_timeouts")


def test_emit_waits_no_longer_than_its_timeout(write_plugin: WritePlugin, call: Call) -> None:
    """A8"""
    text = "\n".join(call(write_plugin(TIMED), "i:", "h", "q:1", "W:refused", "n", "d"))
    full = "RingFullError: the ring of plugin 'conform' is full, and stayed so for the time of"
    assert text.count(full) == 2, text
    assert "InvalidEventError: timeout is a number of seconds or None, not 'soon'" in text
    assert "InvalidEventError: timeout is a number of seconds or None, not nan" in text
    assert "refused {'invalid_data': 2, 'ring_full': 2}" in text


TIMED_PUT = plugin("put_timeouts")


@pytest.mark.host
def test_put_waits_no_longer_than_its_timeout(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A8, S2"""
    author = write_plugin(TIMED_PUT)
    answer = plughost.raw(
        "--plugin", author.library, "--open", "", "--pause-ms", 500, "--log", "--print", 9
    )
    full = "conform: full: the queue is full, and stayed so for the time of timeout="
    assert answer["log"].get(full) == 2, answer["log"]
    assert answer["log"].get("conform: taken 2") == 1
    assert answer["cycles"][0]["events"]["count"] == 2
    with start_plugin(author.plugin) as running, running.open("") as source:
        running.plugin.thread.join()
        assert [event.data for event in source.events()] == [b"1", b"2"]
        assert sum(log.text == full.partition(" ")[2] for log in running.logs) == 2
