# SPDX-License-Identifier: Apache-2.0
"""State that a plugin with an event source of its own dumps is what a replay gives back to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from author import plugin
from source_drivers import PlughostRead, RunnerRead

from falcokit.capture import open_capture
from falcokit.testing import start_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import WritePlugin
    from drivers import Plughost, Sysdig

KEEPING = plugin("dump_replay")
IDS = [998, 998, 998, 0]
RESTORED = "restored {'a': 1, 'b': 2, 'c': 3} of keeping"
SEEN = "seen with {'a': 1, 'b': 2, 'c': 3}"


def _check_ids(file: Path) -> None:
    with open_capture(file) as capture:
        assert [e.plugin_id for e in capture if e.leading and e.code == 402] == IDS


def _check_replay(plughost: Plughost, library: Path, file: Path) -> None:
    """Read it in libsinsp: the state is there before the first event."""
    answer = plughost.raw("--plugin", library, "--scap", file, "--log")
    assert answer["cycles"][0]["end"] == "eof"
    said = "\n".join(answer["log"])
    assert RESTORED in said, said
    assert SEEN in said, said
    assert "not for this source" not in said


@pytest.mark.host
def test_a_capture_of_the_runner_gives_the_state_back(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A9, A10"""
    author, file = write_plugin(KEEPING), tmp_path / "out.scap"
    assert len(RunnerRead()(author, record=file).events) == 3
    _check_ids(file)
    _check_replay(plughost, author.library, file)


@pytest.mark.host
def test_a_capture_of_libsinsp_gives_the_state_back(
    plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A9, A10"""
    author = write_plugin(KEEPING)
    assert len(PlughostRead(plughost, tmp_path)(author).events) == 3
    _check_ids(tmp_path / "plughost.scap")
    _check_replay(plughost, author.library, tmp_path / "plughost.scap")


@pytest.mark.host
def test_a_capture_of_sysdig_gives_the_state_back(
    sysdig: Sysdig, plughost: Plughost, write_plugin: WritePlugin, tmp_path: Path
) -> None:
    """A9, A10"""
    author, file = write_plugin(KEEPING), tmp_path / "out.scap"
    sysdig.raw("-H", author.library, "-I", "conform", "-w", file)
    _check_ids(file)
    _check_replay(plughost, author.library, file)


def test_in_process_the_state_is_of_the_plugins_own_source(write_plugin: WritePlugin) -> None:
    """A9"""
    with start_plugin(write_plugin(KEEPING).plugin) as running:
        state = running.dump_state()
        assert [(e.plugin_id, e.source) for e in state] == [
            *((998, "keeping") for _ in range(3)),
            (0, "syscall"),
        ]
        assert json.loads(state[0].data) == {"a": 1}
        for event in state[:3]:
            running.parse(event)
        assert running.plugin.known == {"a": 1, "b": 2, "c": 3}
