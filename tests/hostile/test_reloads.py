# SPDX-License-Identifier: Apache-2.0
"""A plugin with every capability, which emits from everywhere, loaded again and again."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from author import plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from author import Author
    from conftest import RealHost

pytestmark = pytest.mark.python

_EVERYTHING = plugin("everything")


def _run(host: RealHost, author: Author, *options: Any) -> dict[str, Any]:
    done = subprocess.run(
        [host.plughost, "sinsp", "--plugin", author.library, "--open", "", "--fields",
         "e.n,e.declared", "--print", "3000", "--format", "*%evt.plugininfo", "--metrics",
         "--set-config", "{}", "--secs", "20", "--log", *map(str, options)],
        capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.host
def test_emitting_from_every_hook_harms_nobody(
    write_plugin: Callable[..., Author], real_host: RealHost
) -> None:
    report = _run(real_host, write_plugin(_EVERYTHING))
    (cycle,) = report["cycles"]
    assert cycle["end"] == "eof"
    assert cycle["by_type"]["322:pluginevent"]["count"] == 2000
    assert {f["present"] for f in cycle["fields"].values()} == {2000}
    said = {line.partition("said in ")[2] for line in report["log"]}
    for hook in ("start_async", "events", "parse_event", "field", "event_to_string",
                 "capture_open", "routine"):  # fmt: skip
        assert hook in said, (hook, said)
    # There is no capture to emit into yet, or none any more.
    assert {"init AttributeError", "capture_close CaptureClosedError"} <= said
    log = "\n".join(report["log"])
    assert "on another thread: TableError" in log
    assert "table in a routine: TableError" in log


@pytest.mark.host
@pytest.mark.parametrize("how", ["--cycles", "--reload"])
def test_threads_descriptors_and_memory_are_flat(
    write_plugin: Callable[..., Author], real_host: RealHost, how: str
) -> None:
    # A load of which each event left an object behind is seen with 600 too, and is closed early.
    times = ("--cycles", 10) if how == "--cycles" else ("--reload", 100, "--events", 600)
    report = _run(real_host, write_plugin(_EVERYTHING), *times)
    if how == "--cycles":
        assert {c["end"] for c in report["cycles"]} == {"eof"}
        threads = [c["threads_after_close"] for c in report["cycles"]]
        # One may be just about to end, and the keeper of the GIL begins when it is needed.
        assert max(threads) - min(threads) <= 2, threads
        return
    facts = [r["after_unload"] for r in report["reloads"]]
    # One that is just about to end may be counted once or twice.
    counted = [f["threads"] for f in facts]
    threads = [min(counted[at : at + 3]) for at in range(len(counted) - 2)]
    assert threads == sorted(threads), counted
    assert threads[-1] <= threads[0] + 1, counted  # the keeper, once
    assert len({f["fds"] for f in facts}) == 1, facts
    # It swings by 1.5 MB; 25 KB that each load left behind would be more than that.
    assert facts[-1]["rss_kb"] < facts[2]["rss_kb"] + 2500, facts
