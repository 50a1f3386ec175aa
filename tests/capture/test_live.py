# SPDX-License-Identifier: Apache-2.0
"""Captures that a real host writes while the test runs, counted by it and by the reader."""

from __future__ import annotations

import collections
import subprocess
from pathlib import Path
from typing import Any

import pytest

from falcokit.capture import open_capture, summarize

SAMPLES = Path(__file__).with_name("samples")

pytestmark = pytest.mark.host

CONFIG = '{"async":50,"async_delay_us":200}'


def sysdig(host: Any, *arguments: str, config: str = "") -> str:
    plugin = f"{host.baseline}:{config}" if config else str(host.baseline)
    command = [str(host.sysdig), "-H", plugin, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_capture_of_a_real_host_has_the_events_that_it_replays(
    real_host: Any, tmp_path: Path, packed: bool
) -> None:
    path = tmp_path / "live.scap"
    more = ["-z"] if packed else []
    # The source waits at its end, so that the async events of the plugin come through.
    sysdig(real_host, "-I", "baseline:300,1,32,500", "-w", str(path), *more, config=CONFIG)
    replayed = sysdig(
        real_host, "-r", str(path), "-p", "*%evt.num %evt.type %evt.rawtime"
    ).splitlines()
    with open_capture(path) as capture:
        assert capture.compressed is packed
        stored = [event for event in capture if not event.leading]
        assert capture.notices == ()
    assert [line.split() for line in replayed if line.strip()] == [
        [str(event.number), event.type, str(event.ts_ns)] for event in stored
    ]
    assert collections.Counter(event.type for event in stored)["pluginevent"] == 300


def test_the_summary_of_a_capture_of_a_real_host(real_host: Any, tmp_path: Path) -> None:
    path = tmp_path / "live.scap"
    sysdig(real_host, "-I", "baseline:300,1,32,500", "-w", str(path), config=CONFIG)
    summary = summarize(path)
    (plugin,) = summary.plugin_events
    assert (plugin.count, plugin.size) == (300, 300 * 32)
    assert summary.plugin_ids == (plugin.plugin_id,)
    assert sum(stream.count for stream in summary.async_events) == 50 + 1
    assert {stream.name for stream in summary.async_events} == {"beat"}
    dumped = next(stream for stream in summary.async_events if stream.plugin_id == 0)
    assert (dumped.untimed, dumped.last_data) == (1, b"12345\0")
    assert summary.machine is not None
    assert summary.machine.cpus > 0


@pytest.mark.parametrize("name", ["curl_google", "test_ipv6_client", "falco-open-multiple-files"])
def test_every_event_that_a_real_host_replays_is_among_the_stored_ones(
    real_host: Any, name: str
) -> None:
    path = SAMPLES / f"{name}.scap"
    form = "*%evt.rawtime %thread.tid %evt.cpu %evt.type %evt.dir"
    replayed = collections.Counter(sysdig(real_host, "-r", str(path), "-p", form).splitlines())
    with open_capture(path) as capture:
        stored = collections.Counter(
            f"{event.ts_ns} {event.tid} {event.cpu} {event.type} {event.event_type.dir}"
            for event in capture
            if event.event_type
        )
    assert replayed.total() > 30
    assert replayed <= stored
