# SPDX-License-Identifier: Apache-2.0
"""The log: eight severities, components, one log for each instance, NUL and odd text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from drivers import Log, RunnerDrive

if TYPE_CHECKING:
    from conftest import Call, WritePlugin
    from drivers import Drive

SPEAKING = plugin("logs_speaking")
UNFORMATTED = """
class P(Plugin, AsyncEvents):
    async_events = ("one",)
    def start_async(self, handler):
        self.log.warning("broken %d", "format")
        handler.emit("one", b"1")
"""
TWO = plugin("logs_two")


@pytest.mark.drivers("in_process", "runner")
def test_eight_severities_and_the_components_arrive(
    drive: Drive, write_plugin: WritePlugin
) -> None:
    """B10"""
    out = drive(write_plugin(SPEAKING))
    assert out.logs[:10] == [
        Log("fatal", None, "level 60"),
        Log("critical", None, "level 50"),
        Log("error", None, "level 40"),
        Log("warning", None, "level 30"),
        Log("notice", None, "level 25"),
        Log("info", None, "level 20"),
        Log("debug", None, "level 10"),
        Log("trace", None, "level 5"),
        Log("warning", "conform.some.part", "by a part"),
        Log("error", None, "by the root"),
    ]
    assert out.said("with a traceback")[0].text.endswith("ZeroDivisionError: division by zero")
    assert out.data == [b"1"]


@pytest.mark.host
def test_libsinsp_shows_them_under_the_plugins_name(
    plughost: Drive, write_plugin: WritePlugin
) -> None:
    """B10"""
    out = plughost(write_plugin(SPEAKING))
    for level in (60, 50, 40, 30, 25, 20, 10):
        assert Log(None, "conform", f"level {level}") in out.logs
    assert Log(None, "conform.some.part", "by a part") in out.logs
    assert Log(None, "conform", "printed text") in out.logs
    assert out.said("nul \\0 and hé and")


def test_print_and_odd_text_reach_the_log(write_plugin: WritePlugin) -> None:
    """B10"""
    out = RunnerDrive()(write_plugin(SPEAKING))
    assert Log("info", None, "printed text") in out.logs
    assert out.said(r"nul \0 and hé and \ud800")
    assert out.data == [b"1"]


def test_a_message_that_cannot_be_formatted_is_told_with_its_line(
    write_plugin: WritePlugin,
) -> None:
    """B10, B12"""
    author = write_plugin(UNFORMATTED)
    out = RunnerDrive()(author)
    assert out.said(f"{author.at('broken %d')}: cannot format 'broken %d'")
    assert out.data == [b"1"]


def test_two_instances_of_one_process_have_a_log_each(
    write_plugin: WritePlugin, call: Call
) -> None:
    """B10, A11"""
    lines = call(
        write_plugin(TWO), "i:red", "i:blue", "s:0", "h", "s:1", "h",
        "s:0", "c:red", "n", "d", "s:1", "c:blue", "n", "d",
    )  # fmt: skip
    said = sorted(line for line in lines if line.startswith("log "))
    expected = [
        f"log {number} {component} {what} of {colour} {severity}"
        for number, colour in enumerate(["red", "blue"])
        for what, component, severity in [
            ("init", "-", "info"), ("start", "-", "info"), ("set_config", "-", "info"),
            ("destroy", "-", "info"), ("work", "conform.lib", "warning"),
        ]
    ]  # fmt: skip
    expected += [f"log {n} - producing for {c} info" for n, c in [(0, "red"), (1, "blue")]]
    assert said == sorted(expected)
