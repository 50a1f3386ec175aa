# SPDX-License-Identifier: Apache-2.0
"""A capture's start and stop in every order, failing ones, instances beside each other, reloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from author import plugin
from drivers import RunnerDrive

if TYPE_CHECKING:
    from conftest import Call, WritePlugin
    from drivers import Plughost

COUNTING = plugin("capture_counting")
WORKING = plugin("capture_working")

# Its thread takes no notice of anything: it emits through the first handler for ever.
DEAF = """
class P(Plugin, AsyncEvents):
    async_events = ("one",)
    def start_async(self, handler):
        threading.Thread(target=self.work, args=(handler,), daemon=True).start()
    def work(self, handler):
        while True:
            try:
                handler.emit("one", b"x")
            except falcokit.CaptureClosedError:
                time.sleep(0.0005)
"""


def _data(lines: list[str]) -> list[str]:
    return [bytes.fromhex(line[2:])[46:].decode() for line in lines if line[0] == "g"]


@pytest.mark.parametrize(
    ("commands", "answers", "data"),
    [
        (": n n h w:1 n n n", "n0 n0 h0 n0 n0 n0", ["start 1 stop 0"]),
        (": h w:1 n h w:2 n", "h0 n0 h0 n0", ["start 1 stop 0", "start 2 stop 1"]),
        (": h w:1 h w:2 n", "h0 h0 n0", ["start 1 stop 0", "start 2 stop 1"]),
        ("bad start: h n h w:1 n", "h1 n0 h0 n0", ["start 2 stop 0"]),
        ("bad start: h h w:1 n", "h1 h0 n0", ["start 2 stop 0"]),
        ("bad stop: h w:1 n h w:2 n", "h0 n0 h0 n0", ["start 1 stop 0", "start 2 stop 1"]),
        (": h w:1", "h0", ["start 1 stop 0"]),  # destroy without a stop
    ],
)
def test_starts_and_stops_in_any_order(
    write_plugin: WritePlugin, call: Call, commands: str, answers: str, data: list[str]
) -> None:
    """A3"""
    config, _, commands = commands.partition(": ")
    lines = call(write_plugin(COUNTING), f"i:{config}", *commands.split(), "g", "d")
    assert [f"{x[0]}{x[2:]}" for x in lines if x[0] in "hn"] == answers.split()
    assert _data(lines) == data
    assert "w 0" not in lines


def test_a_failed_stop_is_logged_and_poisons_nothing(write_plugin: WritePlugin, call: Call) -> None:
    """A3"""
    author = write_plugin(COUNTING)
    lines = call(author, "i:bad stop", "h", "w:1", "n", "d")
    where = author.at("every stop was to fail")
    assert f"log 0 - {where}: stop_async: ValueError: every stop was to fail error" in lines


@pytest.mark.host
@pytest.mark.parametrize(
    ("config", "error"), [("bad stop", ""), ("bad start", "the first start was to fail")]
)
def test_libsinsp_opens_again_after_a_failed_stop(
    plughost: Plughost, write_plugin: WritePlugin, config: str, error: str
) -> None:
    """A3"""
    answer = plughost.raw(
        "--plugin", write_plugin(COUNTING).library, "--init", config, "--pump", 200,
        "--events", 1, "--secs", 5, "--cycles", 3,
    )  # fmt: skip
    assert error in answer.get("error", "")
    if not error:
        assert [c["async"]["one"]["count"] for c in answer["cycles"]] == [1, 1, 1]


@pytest.mark.host
def test_libsinsp_closes_and_opens_and_nothing_is_left(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A11"""
    answer = plughost.raw(
        "--plugin", write_plugin(WORKING).library, "--pump", 100, "--events", 20, "--secs", 10,
        "--cycles", 15, "--log",
    )  # fmt: skip
    counts = [c["events"]["count"] for c in answer["cycles"]]
    assert counts == [20] * 15
    threads = [c["threads_after_close"] for c in answer["cycles"]]
    # A thread that was joined may be listed for a moment longer.
    assert max(threads) <= min(threads) + 1
    assert answer["log"]["conform: producers left: 0"] == 1


@pytest.mark.host
def test_libsinsp_unloads_and_loads_the_library_again(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A11"""
    author = write_plugin(WORKING)
    answer = plughost.raw(
        "--plugin", author.library, "--pump", 100, "--events", 20, "--secs", 10, "--reload", 20
    )
    after: list[dict[str, Any]] = [r["after_unload"] for r in answer["reloads"]]
    assert [r["cycles"][0]["events"]["count"] for r in answer["reloads"]] == [20] * 20
    # The library of the plugin goes with each; Python and the glue stay.
    assert all("still_mapped" not in facts for facts in after)
    assert after[-1]["threads"] <= after[1]["threads"] + 1
    assert after[-1]["fds"] == after[1]["fds"]
    assert after[-1]["rss_kb"] - after[5]["rss_kb"] < 2048


@pytest.mark.host
def test_several_inspectors_of_one_process_run_the_same_library(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A11"""
    answer = plughost.raw(
        "--plugin", write_plugin(WORKING).library, "--pump", 100, "--events", 50, "--secs", 10,
        "--inspectors", 4, "--reload", 3,
    )  # fmt: skip
    for reload in answer["reloads"]:
        counts = [i["cycles"][0]["events"]["count"] for i in reload["inspectors"]]
        assert counts == [50] * 4


def test_the_runner_reloads_and_opens_again(write_plugin: WritePlugin) -> None:
    """A11"""
    out = RunnerDrive()(write_plugin(WORKING), limit=10, cycles=2, reload=10)
    closed = [r["events"] for r in out.raw if r["report"] == "closed"]
    assert closed == [10] * 20
    assert len(out.said("producers left: 0")) == 10
    assert not out.error


SAVED = """
INITS = []
class P(Plugin, AsyncEvents):
    async_events = ("one",)
    def init(self):
        INITS.append(1)
        self.log.warning("inits of this code: %d", len(INITS))
        text = open(__file__).read()
        os.utime(__file__, (1, 1))  # another time is no change
        if {change}:
            open(__file__, "w").write(text + "# saved\\n")
    def start_async(self, handler):
        handler.emit("one", b"")
"""


@pytest.mark.host
@pytest.mark.parametrize(("change", "inits"), [("text", [1, 1, 1]), ("not text", [1, 2, 3])])
def test_new_code_is_imported_when_the_library_is_loaded_again(
    plughost: Plughost, write_plugin: WritePlugin, change: str, inits: list[int]
) -> None:
    """A11: after a save and a SIGHUP Falco loads the library again; what is new is imported."""
    author = write_plugin(SAVED.replace("{change}", change))
    answer = plughost.raw(
        *("--plugin", author.library, "--pump", 100, "--events", 1, "--secs", 5),
        *("--reload", 3, "--log"),
    )
    said = [log for reload in answer["reloads"] for log in reload["log"] if "inits" in log]
    assert said == [f"conform: inits of this code: {number}" for number in inits]


def test_two_plugins_of_one_process_keep_apart(write_plugin: WritePlugin) -> None:
    """A11"""
    first = write_plugin(COUNTING, "first")
    second = write_plugin(COUNTING, "second")
    out = RunnerDrive()(first, "of the first", limit=2, beside=(second.library,))
    assert not out.error
    assert out.data == [b"start 1 stop 0"] * 2


def test_a_thread_that_never_stops_outlives_its_state_unharmed(
    write_plugin: WritePlugin, call: Call
) -> None:
    """A11, A4"""
    cycles = [c for n in range(1, 6) for c in ("i:", "h", f"w:{50 * n}", "n", "h", "n", "d")]
    lines = call(write_plugin(DEAF), *cycles)
    assert [line for line in lines if line[0] in "ihn"] == ["i 0", "h 0", "n 0", "h 0", "n 0"] * 5
    assert "w 0" not in lines


@pytest.mark.host
def test_a_thread_that_never_stops_outlives_the_library(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """A11, A4"""
    answer = plughost.raw(
        "--plugin", write_plugin(DEAF).library, "--pump", 100, "--events", 50, "--secs", 10,
        "--reload", 5,
    )  # fmt: skip
    assert [r["cycles"][0]["events"]["count"] for r in answer["reloads"]] == [50] * 5
