# SPDX-License-Identifier: Apache-2.0
"""What hosts show of a source: text of events, progress, open params; and events beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin
from source_drivers import PlughostRead, RunnerRead

from falcokit import Event
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WritePlugin
    from drivers import Plughost, Sysdig
    from source_drivers import Read

SHOWN = plugin("source_shown")
SYSTEM = plugin("source_system")
BESIDE = """
class P(Plugin, EventSource, AsyncEvents):
    plugin_id = 999
    event_source = "conform"
    def open(self, params: str):
        yield b"first"
        while True:
            yield None
    @async_event("tick")
    def produce(self):
        for i in range(4000): yield str(i)
"""


@pytest.mark.host
@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("good", ["<one>", "<two>"]),
        ("failing", ["datalen=3 data=one", "datalen=3 data=two"]),
        ("a number", ["datalen=3 data=one", "datalen=3 data=two"]),
    ],
)
def test_the_text_of_an_event(
    sysdig: Sysdig, write_plugin: WritePlugin, how: str, text: list[str]
) -> None:
    """S9"""
    library = f'{write_plugin(SHOWN).library}:{{"text": "{how}"}}'
    out, _, status = sysdig.raw("-H", library, "-I", "conform", "-p", "%evt.plugininfo")
    assert status == 0
    assert out.split("\n")[:2] == text


@pytest.mark.host
def test_a_text_that_fails_is_logged(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """S9, B12"""
    author = write_plugin(SHOWN)
    out = PlughostRead(plughost, tmp_path)(
        author,
        config={"text": "failing"},
        options=("--print", 2, "--format", "%evt.plugininfo"),
    )
    assert out.error == ""
    (log,) = out.said("event_to_string: ValueError: it was to fail")
    assert log.text.startswith(author.at("it was to fail"))


@pytest.mark.host
@pytest.mark.parametrize(
    ("progress", "shown_as"),
    [
        ("a quarter", {"pct_x100": 2500, "text": "25.00%"}),
        ("half", {"pct_x100": 5000, "text": "half"}),
        ("whole", {"pct_x100": 10000, "text": "100.00%"}),
        ("too large", {"pct_x100": 0}),
        ("nan", {"pct_x100": 0}),
        ("failing", {"pct_x100": 0}),
    ],
)
def test_the_progress(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path, progress: str, shown_as: object
) -> None:
    """S8"""
    out = PlughostRead(plughost, tmp_path)(write_plugin(SHOWN), config={"progress": progress})
    assert out.raw["cycles"][0]["progress"] == shown_as
    if progress == "too large":
        assert out.said("progress must return a number from 0.0 to 1.0, not 2.0")


@pytest.mark.host
@pytest.mark.parametrize(
    ("params", "text"),
    [
        ("two", "\na\nb: what b is\n"),
        ("none", ""),
        ("long", "long" + "g" * 20_000),
        ("an empty value", "list_open_params: ('', 'empty') has an empty value"),
        ("a number", "list_open_params: TypeError"),
        ("a number for desc", "list_open_params: ('a', 7) is neither a value nor (value, desc)"),
    ],
)
def test_open_params_to_choose_from(
    sysdig: Sysdig, write_plugin: WritePlugin, params: str, text: str
) -> None:
    """S8"""
    library = f'{write_plugin(SHOWN).library}:{{"params": "{params}"}}'
    out, said, _ = sysdig.raw("-H", library, "--plugin-info", "conform")
    assert text in out + said


def test_open_params_and_texts_in_process(write_plugin: WritePlugin) -> None:
    """S8, S9"""
    with start_plugin(write_plugin(SHOWN).plugin, {}) as running, running.open() as source:
        assert running.list_open_params() == [
            {"value": "a", "desc": ""}, {"value": "b", "desc": "what b is"},
        ]  # fmt: skip
        assert running.event_to_string(Event(b"x")) == "<x>"
        assert source.progress() == (0.25, "25.00%")


@pytest.mark.host
def test_a_plugin_without_an_id_gives_events_of_the_host(
    plughost: Plughost, write_plugin: WritePlugin
) -> None:
    """S5: of any type, each as a whole."""
    author = write_plugin(SYSTEM)
    answer = plughost.raw(
        "--plugin", author.library, "--open", "good", "--events", 3, "--print", 3,
        "--format", "%evt.type %evt.source %evt.rawtime",
    )  # fmt: skip
    assert answer["stderr"].splitlines()[:3] == ["close syscall 1700000000000000000"] * 3


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ("short", "sends whole events, with a header of 26 bytes: these are 5 bytes"),
        ("length", "its lengths do not fit its 37 bytes"),
        ("code", "no event has the type 999"),
        ("params", "its lengths do not fit its 36 bytes"),
        ("name", "its lengths do not fit"),
        ("id", "its lengths do not fit"),
    ],
)
def test_an_event_that_would_lead_the_host_astray_is_refused(
    write_plugin: WritePlugin, params: str, text: str
) -> None:
    """S5"""
    author = write_plugin(SYSTEM)
    out = RunnerRead()(author, params)
    assert f"{author.at('yield bad')}: next_batch: InvalidEventError: " in out.error
    assert text in out.error


@pytest.mark.drivers("runner", "plughost")
def test_async_events_leave_promptly_beside_a_source_that_is_idle(
    read: Read, write_plugin: WritePlugin
) -> None:
    """A8: a source that slept 30 ms in each next_batch would let out 70 a second."""
    out = read(write_plugin(BESIDE), limit=4001)
    metrics = out.metrics
    assert metrics["async_delivered"] == 4000
    assert metrics["source_events"] == 1
