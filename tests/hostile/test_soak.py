# SPDX-License-Identifier: Apache-2.0
"""Many captures opened and closed at once; by hand, with 2000 of them: soak.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from soak import PLUGIN, soak

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import RealHost


@pytest.mark.host
def test_opens_and_closes_with_every_kind_of_producer(
    write_plugin: Callable[..., Author], real_host: RealHost
) -> None:
    author = write_plugin(PLUGIN)
    opens = 120
    done = soak(real_host.plughost, author.library, opens, timeout=120)
    assert done.status == 0
    assert len(done.cycles) == opens
    assert {c["end"] for c in done.cycles} == {"time"}
    assert not [c["errors"] for c in done.cycles if "errors" in c]
    kinds = {kind for c in done.cycles for kind in c.get("async", {})}
    assert kinds == {"call", "steps", "loop_call", "loop_steps", "thread", "task"}
    logs = [line for i in done.report["inspectors"] for line in i.get("log", {})]
    assert not [line for line in logs if "hostile:" in line], logs  # such as a thread that died
    end = done.report["after_all"]
    assert end["fds"] == done.report["before"]["fds"]
    # Of the process, once: Python's main thread, the watch and the keeper.
    assert end["threads"] <= done.report["before"]["threads"] + 3
    # Four captures' worth of descriptors at most, and later no more than before.
    assert max(done.fds[-len(done.fds) // 3 :]) <= max(done.fds[: len(done.fds) // 2]) + 4
    assert done.growth(done.rss_kb) < 6000
