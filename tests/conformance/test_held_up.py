# SPDX-License-Identifier: Apache-2.0
"""Code that does not return on Falco's own thread is told with its place, and interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from extract_drivers import Asked, asked

if TYPE_CHECKING:
    from conftest import WritePlugin
    from drivers import Plughost, Sysdig
    from source_drivers import Read

PLUGIN = plugin("held_up")


_IN_C = "in a call that does not release the GIL"


@pytest.mark.parametrize(
    ("how", "at", "where"),
    [
        ("loop", "while True: pass", None),
        pytest.param("swallow", "time.sleep(0.01)  # swallow", None, marks=pytest.mark.once),
        pytest.param("sleep_long", "time.sleep(8)", None, marks=pytest.mark.once),
        pytest.param("keep_the_gil", "usleep(9_000_000)", _IN_C, marks=pytest.mark.once),
    ],
)
@pytest.mark.drivers("plughost")
def test_parse_event_that_does_not_return(
    read: Read, request: pytest.FixtureRequest, how: str, at: str, where: str | None
) -> None:
    """B12"""
    # What burns the processor meanwhile need not do it for as long as in Falco.
    write: WritePlugin = request.getfixturevalue("hasty" if how == "loop" else "write_plugin")
    author = write(PLUGIN)
    out = read(author, config={"how": how}, seconds=20)
    line = author.at(at)
    logs = [log.text for log in out.logs]
    held = [text for text in logs if "and is held up" in text]
    assert len(held) == 1, logs
    assert (where or f"its code is at {line} in {how}") in held[0]
    failed = [text for text in logs if "HookTimeoutError: it did not return within 5 s" in text]
    assert len(failed) == 1, logs
    assert line in failed[0]
    # The others have come, and none of them was interrupted in place of it.
    assert len(out.events) == 2001
    assert out.metrics["parsed"] == 2001
    assert out.metrics["cleaned"] == 1


FIELD = """
from falcokit import FieldExtraction, field
class P(Plugin, FieldExtraction):
    @field("held.up", desc="Hangs at the first event")
    def held_up(self, event: Event) -> str:
        while event.data == b"0":
            pass
        return event.data.decode()
"""


@pytest.mark.host
@pytest.mark.once
def test_a_field_that_does_not_return(hasty: WritePlugin, request: pytest.FixtureRequest) -> None:
    """B12, X5"""
    events = [Asked(b"%d" % n) for n in range(5)]
    rows = asked("sysdig", request, hasty(FIELD), events, ["held.up"])
    assert rows == [["<NA>"], ["1"], ["2"], ["3"], ["4"]]


TEXT = """
class P(Plugin, EventSource):
    plugin_id, event_source = 999, "conform"
    def open(self, params: str):
        yield from (b"one", b"two")
    def event_to_string(self, event):
        while event.data == b"one":
            pass
        return "2"
"""


@pytest.mark.host
@pytest.mark.once
def test_a_text_that_does_not_return(sysdig: Sysdig, hasty: WritePlugin) -> None:
    """B12, S9"""
    author = hasty(TEXT, name="conform")
    out, _, status = sysdig.raw("-H", author.library, "-I", "conform", "-p", "%evt.plugininfo")
    assert status == 0
    assert out.split("\n")[:2] == ["datalen=3 data=one", "2"]


METRICS = """
class P(Plugin, EventSource):
    plugin_id, event_source = 999, "conform"
    asked = 0
    def open(self, params: str):
        yield b"one"
    def get_metrics(self):
        self.asked += 1
        while self.asked == 1: time.sleep(0.1)
        return [Metric("asked", self.asked)]
"""


@pytest.mark.host
@pytest.mark.once
def test_metrics_that_do_not_return(plughost: Plughost, write_plugin: WritePlugin) -> None:
    """B9, B12"""
    author = write_plugin(METRICS)
    answer = plughost.raw(
        "--plugin", author.library, "--open", "", "--metrics", "--cycles", 2, "--log"
    )
    hung, after = (cycle["metrics"]["conform"] for cycle in answer["cycles"])
    assert "conform.asked" not in hung
    assert hung["conform.source_events"] == 1
    assert after["conform.asked"] == 2
    line = author.at("while self.asked == 1")
    assert [log for log in answer["log"] if f"its code is at {line} in get_metrics" in log]
    assert [log for log in answer["log"] if f"{line}: get_metrics: HookTimeoutError" in log]


EMITTING = plugin("held_up_emitting")


@pytest.mark.host
def test_emit_does_not_wait_for_room_in_hooks_that_the_host_waits_for(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A8, B12"""
    answer = plughost.raw(
        "--plugin", write_plugin(EMITTING).library, "--open", "", "--print", 1, "--format",
        "*%evt.plugininfo", "--metrics", "--log",
    )  # fmt: skip
    assert answer["stderr"] == "text\n"
    said = "\n".join(answer["log"])
    for hook in ("event_to_string", "progress", "get_metrics"):
        assert f"{hook}: the ring is full, and the host waits for this call" in said, said
    assert "HookTimeoutError" not in said
    assert "held up" not in said
